import type { Log } from '../../platform/logger.ts';
import { Wakeable } from '../../platform/wakeable.ts';
import { exchangeBuckets, forgetLimits, type BucketChange } from '../../store/limits/buckets.ts';
import type { LimitId } from '../../store/limits/ids.ts';
import type { Store } from '../../store/store.ts';
import type { Buckets, Change, Holder } from './buckets.ts';

const EXCHANGE_MS = 1_000;
const FORGET_MS = 10 * 60_000;

/** What a bucket is called outside this process. */
export const bucketId = (idOf: LimitId, limitClass: string, holder: Holder): string =>
  idOf('bucket', limitClass, holder.kind, holder.kind === 'user' ? holder.userId : holder.address);

const row = (idOf: LimitId, { limitClass, holder, taken, refused, windows }: Change): BucketChange => {
  const [minute, hour] = (['minute', 'hour'] as const).map((name) =>
    windows.find((window) => window.name === name),
  );
  return {
    id: bucketId(idOf, limitClass, holder),
    class: limitClass,
    user_id: holder.kind === 'user' ? holder.userId : null,
    user_name: holder.kind === 'user' ? holder.name : null,
    refused,
    minute_taken: minute ? taken.minute : 0,
    minute_limit: minute?.limit ?? null,
    minute_ms: Math.ceil(minute?.resetMs ?? 0),
    hour_taken: hour ? taken.hour : 0,
    hour_limit: hour?.limit ?? null,
    hour_ms: Math.ceil(hour?.resetMs ?? 0),
  };
};

/**
 * Shares buckets between processes: once a second, and only when something has changed here. Between two exchanges each
 * process counts for itself, so that all together let through at most what arrives in that second beyond the limit.
 */
export class Exchange {
  readonly #buckets: Buckets;
  readonly #store: Store;
  readonly #idOf: LimitId;
  readonly #log: Log;
  readonly #work: Wakeable;
  readonly #forget: NodeJS.Timeout;
  #away = false;

  constructor(buckets: Buckets, deps: { store: Store; idOf: LimitId; log: Log; knownMs: number }) {
    this.#buckets = buckets;
    this.#store = deps.store;
    this.#idOf = deps.idOf;
    this.#log = deps.log;
    this.#work = new Wakeable(() => this.#exchange(), EXCHANGE_MS);
    this.#work.start();
    this.#forget = setInterval(() => {
      buckets.sweep();
      // What is not removed now is removed the next time.
      forgetLimits(deps.store, deps.knownMs).catch(() => {});
    }, FORGET_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#forget);
    await this.#work.stop();
  }

  /** Never throws: without the database this process limits by what it knows. */
  async #exchange(): Promise<boolean> {
    const changes = this.#buckets.drain();
    if (changes.length === 0) return false;
    const rows = changes.map((change) => row(this.#idOf, change));
    const names = new Map(rows.map(({ id }, i) => [id, changes[i]?.bucket]));
    try {
      const shared = await exchangeBuckets(this.#store, rows);
      await this.#buckets.merge(
        shared.map(({ id, minute, hour }) => ({ bucket: names.get(id) ?? '', minute, hour })),
      );
      this.#away = false;
    } catch (error) {
      this.#buckets.back(changes);
      if (!this.#away) this.#log.warn({ err: error }, 'rate limits are not shared for now');
      this.#away = true;
    }
    return false;
  }
}
