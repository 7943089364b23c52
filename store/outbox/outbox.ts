import type { JsonObject } from '../../domain/json.ts';
import { sql } from '../sql.ts';
import type { SystemStore } from '../system.ts';

export interface OutboxRow {
  readonly id: number;
  readonly workflow_id: string;
  readonly kind: 'start' | 'signal' | 'cancel';
  readonly payload: JsonObject;
  readonly tries: number;
}

const LEASE_SECONDS = 15;

/**
 * The rows that Temporal has not taken yet. One that is leased belongs to one dispatcher; a lease that runs out, because
 * that process died, lets another deliver it again. Losing a lease or a removal in a crash only repeats a delivery, and
 * each delivery may be repeated: that is why neither waits for the disk.
 * @param relay a store whose commits need not be durable.
 */
export const createOutbox = (relay: SystemStore) => ({
  /** Takes up to `limit` rows, the oldest first, and of one workflow never a row whose predecessor is still open. */
  claim: (limit: number): Promise<OutboxRow[]> =>
    relay.many<OutboxRow>(
      sql`update outbox set leased_until = now() + make_interval(secs => ${LEASE_SECONDS}), tries = tries + 1
             where id in (
               select o.id from outbox o
                where o.leased_until < now()
                  and not exists (select 1 from outbox p where p.workflow_id = o.workflow_id and p.id < o.id)
                order by o.id limit ${limit} for update skip locked)
            returning id, workflow_id, kind, payload, tries`,
    ),

  /** Temporal has taken these. */
  delivered: (ids: readonly number[]): Promise<number> =>
    relay.run(sql`delete from outbox where id = any(${ids})`),

  /** Gives a row back, to be tried again after a delay. */
  postpone: (id: number, delayMs: number, error: string): Promise<number> =>
    relay.run(
      sql`update outbox set leased_until = now() + make_interval(secs => ${delayMs / 1000}), last_error = ${error.slice(0, 500)}
           where id = ${id}`,
    ),
});
