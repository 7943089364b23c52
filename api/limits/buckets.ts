import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import {
  COUNTED_CLASSES,
  type CountedClass,
  type Rates,
  type WindowState,
} from '../../domain/limits/rate.ts';

type WindowName = WindowState['name'];

/** Whom a bucket belongs to. A user's row names them to operators; an address is never stored in clear. */
export type Holder =
  | { readonly kind: 'user'; readonly userId: string; readonly name: string }
  | { readonly kind: 'address'; readonly address: string };

/** What has happened to a bucket since the last exchange. */
export interface Change {
  readonly bucket: string;
  readonly limitClass: CountedClass;
  readonly holder: Holder;
  /** In the window that is open; those of an earlier one count no more. */
  readonly taken: Readonly<Record<WindowName, number>>;
  readonly refused: number;
  readonly windows: readonly WindowState[];
}

/** What all processes together know of a bucket; `null` for a window without a limit. */
export interface Shared {
  readonly bucket: string;
  readonly minute: { readonly taken: number; readonly ms: number } | null;
  readonly hour: { readonly taken: number; readonly ms: number } | null;
}

export interface Taken {
  readonly allowed: boolean;
  /** None where the class has no limit. */
  readonly windows: readonly WindowState[];
}

interface Entry {
  readonly limitClass: CountedClass;
  holder: Holder;
  taken: Record<WindowName, number>;
  refused: number;
  touchedAt: number;
  /** After the last request. */
  windows: readonly WindowState[];
}

interface Window {
  readonly name: WindowName;
  readonly length: number;
  readonly limiter: RateLimiterMemory;
}

/** Seconds. */
export interface WindowLengths {
  readonly minute: number;
  readonly hour: number;
}

const NO_LIMIT: Taken = { allowed: true, windows: [] };

const keyOf = (limitClass: CountedClass, holder: Holder): string =>
  `${limitClass}/${holder.kind}/${holder.kind === 'user' ? holder.userId : holder.address}`;

/** The limiter resolves or rejects with the same kind of value; only other errors are errors. */
const consume = async (limiter: RateLimiterMemory, key: string): Promise<[boolean, RateLimiterRes]> => {
  try {
    return [true, await limiter.consume(key)];
  } catch (refused) {
    if (refused instanceof Error) throw refused;
    return [false, refused as RateLimiterRes];
  }
};

/** @param result what the limiter knows; nothing for a window that has not begun. */
const stateOf = ({ name, length, limiter }: Window, result: RateLimiterRes | null): WindowState => ({
  name,
  length,
  limit: limiter.points,
  remaining: result?.remainingPoints ?? limiter.points,
  resetMs: result?.msBeforeNext ?? length * 1_000,
});

/** What an entry's windows have left now; those that have ended since its last request are left out. */
const stillOpen = ({ windows, touchedAt }: Entry): WindowState[] => {
  const elapsed = Date.now() - touchedAt;
  return windows
    .map((window) => ({ ...window, resetMs: window.resetMs - elapsed }))
    .filter(({ resetMs }) => resetMs > 0);
};

/**
 * How many requests each caller has left, in this process, and what it has not told the others yet. A window begins with
 * its first request. A refused request is not counted: who waits as long as was said gets through.
 */
export class Buckets {
  readonly #windows: Readonly<Record<CountedClass, readonly Window[]>>;
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Set<string>();
  readonly #lengths: WindowLengths;

  constructor(rates: Rates, lengths: WindowLengths = { minute: 60, hour: 3_600 }) {
    this.#lengths = lengths;
    const windowsOf = (limitClass: CountedClass): Window[] =>
      (['minute', 'hour'] as const).flatMap((name) => {
        const points = rates[limitClass][name === 'minute' ? 'perMinute' : 'perHour'];
        const length = lengths[name];
        if (points === 0) return [];
        return [
          { name, length, limiter: new RateLimiterMemory({ points, duration: length, keyPrefix: '' }) },
        ];
      });
    this.#windows = Object.fromEntries(
      COUNTED_CLASSES.map((limitClass) => [limitClass, windowsOf(limitClass)]),
    ) as Record<CountedClass, Window[]>;
  }

  /** Counts a request, or refuses it. Asks no database. */
  async take(limitClass: CountedClass, holder: Holder): Promise<Taken> {
    const windows = this.#windows[limitClass];
    if (windows.length === 0) return NO_LIMIT;
    const key = keyOf(limitClass, holder);
    const consumed: Window[] = [];
    const states: WindowState[] = [];
    const begun: WindowName[] = [];
    for (const window of windows) {
      const [fits, result] = await consume(window.limiter, key);
      consumed.push(window);
      if (fits) {
        states.push(stateOf(window, result));
        if (result.isFirstInDuration) begun.push(window.name);
      } else {
        // The limiter counts what it refuses as well.
        for (const { limiter } of consumed) await limiter.reward(key);
        return { allowed: false, windows: await this.#refused(key, limitClass, holder) };
      }
    }
    const { taken } = this.#note(key, limitClass, holder, states);
    for (const name of begun) taken[name] = 0;
    taken.minute++;
    taken.hour++;
    return { allowed: true, windows: states };
  }

  /** What the others have not heard of yet; it is told once, so put it `back` if it could not be told. */
  drain(): Change[] {
    const changes = [...this.#changed].flatMap((bucket) => {
      const entry = this.#entries.get(bucket);
      if (!entry) return [];
      const { limitClass, holder, taken, refused } = entry;
      const windows = stillOpen(entry);
      Object.assign(entry, { taken: { minute: 0, hour: 0 }, refused: 0 });
      return [{ bucket, limitClass, holder, taken, refused, windows }];
    });
    this.#changed.clear();
    return changes;
  }

  back(changes: readonly Change[]): void {
    for (const { bucket, taken, refused } of changes) {
      const entry = this.#entries.get(bucket);
      if (!entry) continue;
      entry.taken.minute += taken.minute;
      entry.taken.hour += taken.hour;
      entry.refused += refused;
      this.#changed.add(bucket);
    }
  }

  /** Takes over what all processes know, and adds what this one has counted since it asked. */
  async merge(shared: readonly Shared[]): Promise<void> {
    for (const bucket of shared) {
      const entry = this.#entries.get(bucket.bucket);
      if (!entry) continue;
      for (const { name, limiter } of this.#windows[entry.limitClass]) {
        const known = bucket[name];
        if (!known) continue;
        const taken = known.taken + entry.taken[name];
        if (known.ms > 0 && taken > 0) await limiter.set(bucket.bucket, taken, known.ms / 1_000);
        else await limiter.delete(bucket.bucket);
      }
    }
  }

  /** Lifts the limits of buckets: their callers begin anew. */
  async forget(isMeant: (limitClass: CountedClass, holder: Holder) => boolean): Promise<void> {
    for (const [bucket, entry] of this.#entries) {
      if (!isMeant(entry.limitClass, entry.holder)) continue;
      Object.assign(entry, { taken: { minute: 0, hour: 0 }, refused: 0 });
      for (const { limiter } of this.#windows[entry.limitClass]) await limiter.delete(bucket);
    }
  }

  /** Drops what nobody has used for the longest window. */
  sweep(now = Date.now()): void {
    for (const [bucket, { touchedAt, taken }] of this.#entries)
      if (taken.hour === 0 && touchedAt < now - this.#lengths.hour * 1_000) this.#entries.delete(bucket);
  }

  async #refused(key: string, limitClass: CountedClass, holder: Holder): Promise<readonly WindowState[]> {
    const states = await Promise.all(
      this.#windows[limitClass].map(async (window) => stateOf(window, await window.limiter.get(key))),
    );
    this.#note(key, limitClass, holder, states).refused++;
    return states;
  }

  #note(key: string, limitClass: CountedClass, holder: Holder, windows: readonly WindowState[]): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { limitClass, holder, taken: { minute: 0, hour: 0 }, refused: 0, touchedAt: 0, windows };
      this.#entries.set(key, entry);
    }
    entry.holder = holder;
    entry.windows = windows;
    entry.touchedAt = Date.now();
    this.#changed.add(key);
    return entry;
  }
}
