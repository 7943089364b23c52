import { sql } from '../sql.ts';
import type { SystemStore } from '../system.ts';
import { sweepWebhooks } from '../webhooks/waking.ts';

const IDEMPOTENCY_HOURS = 24;

/**
 * Makes the coming days' partitions of the event log and drops those older than the retention; forgets pieces of texts whose step
 * or run has ended, answered idempotency keys after a day and sign-ins that have long expired. Repeatable; runs in every worker.
 */
export const sweep = async (system: SystemStore, retentionDays: number): Promise<void> => {
  await system.run(sql`select keep_event_partitions(${retentionDays})`);
  await system.run(
    sql`delete from idempotency_keys where created_at < now() - make_interval(hours => ${IDEMPOTENCY_HOURS})`,
  );
  await system.run(
    sql`delete from deltas d using runs r where r.id = d.run_id and r.finished_at < now() - interval '1 minute'`,
  );
  await system.run(
    sql`delete from deltas d using run_steps s
         where s.run_id = d.run_id and s.path = d.step and s.status <> 'started' and s.finished_at < now() - interval '1 minute'`,
  );
  await sweepWebhooks(system, retentionDays);
  await system.run(sql`delete from sign_ins where expires_at < now() - interval '7 days'`);
};
