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
export const stampEvents = (system: SystemStore): Promise<number> =>
  system.transaction(async (db) => {
    const locked = db.run(sql`select pg_advisory_xact_lock(${SEQUENCER_LOCK})`);
    const stamped = db.run(
      sql`with fresh as (
            select id, at, row_number() over (order by id) as n
              from (select id, at from events where pos is null order by id limit ${BATCH}) as unstamped),
          log as (
            update event_log set last_pos = last_pos + (select count(*) from fresh)
             where exists (select 1 from fresh)
            returning last_pos - (select count(*) from fresh) as before)
          update events e set pos = log.before + fresh.n from fresh, log where e.id = fresh.id and e.at = fresh.at`,
    );
    return (await Promise.all([locked, stamped]))[1];
  });

export class Sequencer {
  readonly #system: SystemStore;
  readonly #bus: LiveBus;
  readonly #timer: NodeJS.Timeout;
  #pending = false;
  #working: Promise<void> | undefined;
  #stopped = false;

  constructor(system: SystemStore, bus: LiveBus) {
    this.#system = system;
    this.#bus = bus;
    this.#timer = setInterval(() => this.wake(), SAFETY_POLL_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#working;
  }

  /** Says that there may be events without a position. Cheap, never throws, coalesces. */
  wake(): void {
    if (this.#stopped) return;
    this.#pending = true;
    this.#working ??= this.#drain().finally(() => {
      this.#working = undefined;
      if (this.#pending) this.wake();
    });
  }

  async #drain(): Promise<void> {
    while (this.#pending && !this.#stopped) {
      this.#pending = false;
      try {
        const stamped = await stampEvents(this.#system);
        if (stamped) {
          this.#bus.hint('taskloom_pos', ['*']);
          this.#pending = stamped === BATCH;
        }
      } catch {
        // The database is away; the poll tries again.
      }
    }
  }
}
