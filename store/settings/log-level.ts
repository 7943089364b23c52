import { ANYONE } from '../../domain/identity/principal.ts';
import type { Log } from '../../platform/logger.ts';
import type { LiveBus } from '../live/bus.ts';
import { sql } from '../sql.ts';
import type { Reader, Store, Writer } from '../store.ts';

/** Every process is told of a change at once; should that hint be lost, it still acts within this time. */
const RECHECK_MS = 30_000;
const NAME = 'log_level';

/** The level of the log that was chosen for all processes; `null` when each has its own from its environment. */
const readLogLevel = async (db: Reader): Promise<string | null> =>
  (await db.maybe<{ value: string }>(sql`select value from system_settings where name = ${NAME}`))?.value ??
  null;

/** Chooses the level for all processes, for good. @param level the logger's own name; `null`: each as its environment says. */
export const setLogLevel = async (tx: Writer, level: string | null): Promise<void> => {
  // One after the other, so that the audit says what really was before.
  tx.send(sql`lock table system_settings in share row exclusive mode`);
  const before = await readLogLevel(tx);
  tx.send(
    level === null
      ? sql`delete from system_settings where name = ${NAME}`
      : sql`insert into system_settings (name, value, updated_by) values (${NAME}, ${JSON.stringify(level)}::jsonb, ${tx.principal.userId})
            on conflict (name) do update set value = excluded.value, updated_by = excluded.updated_by, updated_at = now()`,
  );
  tx.audit('settings.system', 'system', NAME, { before, after: level });
};

/** Keeps the level of this process's log at what was chosen. */
export class LogLevel {
  readonly #store: Store;
  readonly #bus: LiveBus;
  readonly #log: Log;
  readonly #fromEnvironment: string;
  readonly #off: () => void;
  readonly #timer: NodeJS.Timeout;
  #turn = 0;

  constructor(store: Store, bus: LiveBus, log: Log) {
    this.#store = store;
    this.#bus = bus;
    this.#log = log;
    this.#fromEnvironment = log.level;
    this.#off = bus.on('taskloom_settings', () => void this.refresh());
    this.#timer = setInterval(() => void this.refresh(), RECHECK_MS).unref();
  }

  /** The level by which this process logs now. */
  get current(): string {
    return this.#log.level;
  }

  /** Tells all processes of a change. @returns when this one has made it. */
  async changed(): Promise<void> {
    this.#bus.hint('taskloom_settings', [NAME]);
    await this.refresh();
  }

  /** Takes over what was chosen. While the database is away all stays as it is. */
  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const level = (await this.#store.read(ANYONE, readLogLevel)) ?? this.#fromEnvironment;
      // Who asked later knows better.
      if (turn === this.#turn) this.#log.level = level;
    } catch (error) {
      this.#log.debug({ err: error }, 'the level of the log could not be looked up');
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#off();
  }
}
