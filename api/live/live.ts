import type { UserPrincipal } from '../../domain/identity/principal.ts';
import type { LiveBus } from '../../store/live/bus.ts';
import type { Store } from '../../store/store.ts';
import type { Sessions } from '../auth/sessions.ts';
import { eventView } from './event.view.ts';
import type { Context } from '../http/context.ts';
import type { EventSink } from '../http/operation.ts';
import { Subscription, type Sink, type Target } from './subscription.ts';

const SAFETY_POLL_MS = 2_000;
/** An API key may have no end at all; timers take 24 days at most. */
const LOOK_AGAIN_MS = 3_600_000;

/**
 * When to look whether a session has ended: just after its end, so that it is seen.
 * @param expiresAt milliseconds since the epoch, as `now`; infinite for a key without an end. @returns milliseconds.
 */
export const lookAgainIn = (expiresAt: number, now: number): number =>
  Math.min(Math.max(expiresAt - now + 50, 50), LOOK_AGAIN_MS);

/** A group of subscriptions that may be woken: all those of one name. */
type Groups = Map<string, Set<Subscription>>;

/** What is followed in this process, and who wakes it: hints from the bus, and a slow poll for hints that were lost. */
export class Live {
  readonly #store: Store;
  readonly #sessions: Sessions;
  readonly #streams: Groups = new Map();
  readonly #feeds = new Set<Subscription>();
  readonly #offs: (() => void)[];
  readonly #timer: NodeJS.Timeout;

  constructor(store: Store, bus: LiveBus, sessions: Sessions) {
    this.#store = store;
    this.#sessions = sessions;
    this.#offs = [
      bus.on('taskloom_streams', (names) => this.#wakeStreams(names)),
      bus.on('taskloom_deltas', (runs) => this.#wakeStreams(runs?.map((id) => `run:${id}`) ?? null)),
      bus.on('taskloom_pos', () => this.#wakeFeeds()),
    ];
    this.#timer = setInterval(() => {
      this.#wakeStreams(null);
      this.#wakeFeeds();
    }, SAFETY_POLL_MS);
  }

  get size(): number {
    return this.#feeds.size + [...this.#streams.values()].reduce((sum, group) => sum + group.size, 0);
  }

  /** Follows a target on behalf of a person. @returns a way to stop. */
  subscribe(principal: UserPrincipal, target: Target, sink: Sink): () => void {
    const subscription = new Subscription(this.#store, principal, target, sink);
    const group = 'stream' in target ? this.#group(target.stream) : this.#feeds;
    group.add(subscription);
    subscription.wake();
    return () => {
      subscription.end();
      group.delete(subscription);
      if ('stream' in target && group.size === 0) this.#streams.delete(target.stream);
    };
  }

  /** Follows a target over server-sent events, until the client leaves or its sign-in ends. */
  follow(ctx: Context, sink: EventSink, target: Target): void {
    const isFeed = 'feed' in target;
    const stop = this.subscribe(ctx.principal, target, {
      event: (row) => {
        const data = eventView(row, isFeed);
        return sink.send({ id: isFeed ? (row.pos ?? 0) : row.seq, type: row.type, data });
      },
      delta: (row) =>
        'reset' in row
          ? sink.send({ type: 'delta_reset', data: { step: row.step, attempt: row.attempt } })
          : sink.send({
              type: 'delta',
              data: { step: row.step, attempt: row.attempt, part: row.part, text: row.text },
            }),
      failed: (error) => {
        sink.send({ type: 'error', data: { code: error.code, detail: error.message } });
        sink.close();
      },
    });
    const token = ctx.header('authorization')?.replace(/^Bearer /i, '') ?? '';
    const unwatch = this.watchSession(token, () => sink.close());
    sink.closed.addEventListener('abort', () => {
      stop();
      unwatch();
    });
  }

  /** Calls back once when a token expires or its sign-in is ended. @returns a way to stop watching. */
  watchSession(token: string, ended: () => void): () => void {
    let timer: NodeJS.Timeout | undefined;
    let done = false;
    const look = async (): Promise<void> => {
      clearTimeout(timer);
      const session = await this.#sessions.find(token).catch(() => 'unknown' as const);
      if (done) return;
      if (session === undefined) {
        done = true;
        return ended();
      }
      // The database is away: look again soon. Else at the token's own end.
      const inMs = session === 'unknown' ? SAFETY_POLL_MS : lookAgainIn(session.expiresAt, Date.now());
      timer = setTimeout(() => void look(), inMs);
    };
    const off = this.#sessions.onChange(() => void look());
    void look();
    return () => {
      done = true;
      clearTimeout(timer);
      off();
    };
  }

  close(): void {
    clearInterval(this.#timer);
    for (const off of this.#offs) off();
  }

  #group(name: string): Set<Subscription> {
    const group = this.#streams.get(name) ?? new Set();
    this.#streams.set(name, group);
    return group;
  }

  #wakeStreams(names: readonly string[] | null): void {
    if (names === null)
      for (const group of this.#streams.values()) for (const subscription of group) subscription.wake();
    else
      for (const name of names) for (const subscription of this.#streams.get(name) ?? []) subscription.wake();
  }

  #wakeFeeds(): void {
    for (const subscription of this.#feeds) subscription.wake();
  }
}
