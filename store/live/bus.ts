import { EventEmitter } from 'node:events';
import pg from 'pg';

/** What travels between processes: names only, the rows are read from the tables. */
export const CHANNELS = [
  'taskloom_streams',
  'taskloom_pos',
  'taskloom_deltas',
  'taskloom_identity',
  'taskloom_cancelled',
  'taskloom_settings',
  'taskloom_limits',
] as const;
export type Channel = (typeof CHANNELS)[number];

const RECONNECT_MS = 500;
/** A payload must stay below 8,000 bytes; longer lists are cut, and the listeners' own poll finds the rest. */
const MAX_PAYLOAD = 7_500;

/**
 * Hints between processes over PostgreSQL's NOTIFY. Sent on a connection of its own after a commit, never inside a
 * business transaction (that would serialise all commits), and coalesced: while one statement is under way, the next
 * hints gather. A lost hint costs time, never an event: whoever listens also polls.
 */
export class LiveBus {
  readonly #url: string;
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #waiting = new Map<Channel, Set<string>>();
  #sender: pg.Client | undefined;
  #listener: pg.Client | undefined;
  #sending = false;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** Begins to listen; keeps trying in the background while the database is away. */
  async open(): Promise<void> {
    await this.#listen();
  }

  /** Calls back with names that something happened to; `null` after a reconnect, when anything may have happened. */
  on(channel: Channel, listener: (names: readonly string[] | null) => void): () => void {
    this.#emitter.on(channel, listener);
    return () => void this.#emitter.off(channel, listener);
  }

  /** Tells this process at once and the others after a moment. Never throws. */
  hint(channel: Channel, names: readonly string[]): void {
    this.#emitter.emit(channel, names);
    const waiting = this.#waiting.get(channel) ?? new Set<string>();
    for (const name of names) waiting.add(name);
    this.#waiting.set(channel, waiting);
    if (!this.#sending) void this.#send();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#sender?.end().catch(() => {}), this.#listener?.end().catch(() => {})]);
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'taskloom-live',
      keepAlive: true,
    });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async #send(): Promise<void> {
    this.#sending = true;
    try {
      // One turn later, so that hints of the same moment travel together.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#waiting.size > 0 && !this.#closed) {
        const batch = [...this.#waiting];
        this.#waiting.clear();
        this.#sender ??= await this.#connect();
        for (const [channel, names] of batch)
          await this.#sender.query('select pg_notify($1, $2)', [channel, toPayload(names)]);
      }
    } catch {
      void this.#sender?.end().catch(() => {});
      this.#sender = undefined;
    } finally {
      this.#sending = false;
    }
  }

  async #listen(): Promise<void> {
    if (this.#closed) return;
    try {
      const client = await this.#connect();
      this.#listener = client;
      client.on('notification', ({ channel, payload, processId }) => {
        // This process was told when it gave the hint.
        if (processId === (this.#sender as { processID?: number } | undefined)?.processID) return;
        this.#emitter.emit(channel, payload ? payload.split(' ') : null);
      });
      client.once('end', () => {
        if (!this.#closed) setTimeout(() => void this.#listen(), RECONNECT_MS).unref();
      });
      await client.query(CHANNELS.map((channel) => `listen ${channel}`).join('; '));
      for (const channel of CHANNELS) this.#emitter.emit(channel, null);
    } catch {
      if (!this.#closed) setTimeout(() => void this.#listen(), RECONNECT_MS).unref();
    }
  }
}

const toPayload = (names: ReadonlySet<string>): string => {
  const text = [...names].join(' ');
  // Empty means "anything may have happened".
  return text.length <= MAX_PAYLOAD ? text : '';
};
