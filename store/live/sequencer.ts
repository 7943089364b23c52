import { Wakeable } from '../../platform/wakeable.ts';
import { sql } from '../sql.ts';
import type { SystemStore } from '../system.ts';
import type { LiveBus } from './bus.ts';

const SEQUENCER_LOCK = 7_205_114_002;
const BATCH = 2_000;
const SAFETY_POLL_MS = 500;

/**
 * Gives events their global position, in the order of their ids, a few milliseconds after they became visible.
 * A transaction that commits late gets a later position, never one that a reader has passed already. Every process runs
 * one, woken by its own commits; the advisory lock, held for a batch's transaction, lets one work at a time.
 * @returns the number of events stamped.
 */
export const stampEvents = async (system: SystemStore): Promise<number> => {
  const [, stamped = 0] = await system.batch([
    sql`select pg_advisory_xact_lock(${SEQUENCER_LOCK})`,
    sql`with fresh as (
          select id, at, row_number() over (order by id) as n
            from (select id, at from events where pos is null order by id limit ${BATCH}) as unstamped),
        log as (
          update event_log set last_pos = last_pos + (select count(*) from fresh)
           where exists (select 1 from fresh)
          returning last_pos - (select count(*) from fresh) as before)
        update events e set pos = log.before + fresh.n from fresh, log where e.id = fresh.id and e.at = fresh.at`,
  ]);
  return stamped;
};

/** Stamps events of this process's commits at once, and by a slow poll those that another process left. */
export class Sequencer extends Wakeable {
  constructor(system: SystemStore, bus: LiveBus) {
    super(async () => {
      // While the database is away there is nothing to stamp; the poll tries again.
      const stamped = await stampEvents(system).catch(() => 0);
      if (stamped > 0) bus.hint('taskloom_pos', ['*']);
      return stamped === BATCH;
    }, SAFETY_POLL_MS);
  }
}
