import { sql } from '../sql.ts';
import type { SystemStore } from '../system.ts';

/** An endpoint of some workspace. */
export interface EndpointRef {
  readonly id: string;
  readonly workspace_id: string;
  readonly generation: number;
}

const BATCH = 100;

/** Active endpoints in whose workspace something has happened beyond their cursor. Without endpoints this reads an empty index. */
export const endpointsBehind = (system: SystemStore): Promise<EndpointRef[]> =>
  system.many<EndpointRef>(
    sql`select w.id, w.workspace_id, w.generation from webhook_endpoints w
         where w.active and exists (select 1 from events v where v.workspace_id = w.workspace_id and v.pos > w.cursor_pos)
         order by w.cursor_pos limit ${BATCH}`,
  );

/** Active endpoints with a message whose turn it was a while ago: their workflow is gone, or was not told. */
export const endpointsOverdue = (system: SystemStore, seconds: number): Promise<EndpointRef[]> =>
  system.many<EndpointRef>(
    sql`select w.id, w.workspace_id, w.generation from webhook_endpoints w
         where w.active and exists (select 1 from webhook_messages m where m.endpoint_id = w.id and m.state = 'pending'
                                       and m.next_at < now() - make_interval(secs => ${seconds})
                                       and not exists (select 1 from webhook_messages p where p.endpoint_id = m.endpoint_id and p.stream = m.stream
                                                          and p.state = 'pending' and p.pos < m.pos))
           and not exists (select 1 from outbox o where o.workflow_id = 'webhook/' || w.id || '/' || w.generation)
         limit ${BATCH}`,
  );

/** Forgets messages, their log, and events from outside that are older than the event log. */
export const sweepWebhooks = async (system: SystemStore, retentionDays: number): Promise<void> => {
  await system.run(
    sql`delete from webhook_messages where created_at < now() - make_interval(days => ${retentionDays}) and state <> 'pending'`,
  );
  // A test that was sent by an API process which ended: nothing else would tell.
  await system.run(
    sql`update webhook_deliveries set state = 'unknown', error = 'interrupted' where state = 'sending' and started_at < now() - interval '1 hour'`,
  );
  await system.run(
    sql`delete from webhook_inbox where received_at < now() - make_interval(days => ${retentionDays})`,
  );
};
