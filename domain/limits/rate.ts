/**
 * What an operation costs its caller. `read`, `write` and `start` (of runs) count for a signed-in principal, `sign-in` and
 * `public` for a client's address, `free` for nobody.
 */
export const LIMIT_CLASSES = ['read', 'write', 'start', 'sign-in', 'public', 'free'] as const;
export type LimitClass = (typeof LIMIT_CLASSES)[number];
export type CountedClass = Exclude<LimitClass, 'free'>;
export const COUNTED_CLASSES: readonly CountedClass[] = ['read', 'write', 'start', 'sign-in', 'public'];

/** How many requests each window lets through; 0 is no limit. */
export interface Rate {
  readonly perMinute: number;
  readonly perHour: number;
}
export type Rates = Readonly<Record<CountedClass, Rate>>;

/** One window of a caller in a class, after its request was counted or refused. */
export interface WindowState {
  readonly name: 'minute' | 'hour';
  /** Seconds. */
  readonly length: number;
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until it begins anew. */
  readonly resetMs: number;
}

/** Whole seconds, so that whoever waits them is not early. */
export const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000));

/** The window that ends a caller's patience first: the fewest requests left, and of those the longest wait. */
export const tightest = (windows: readonly WindowState[]): WindowState | undefined =>
  windows.toSorted((a, b) => a.remaining - b.remaining || b.resetMs - a.resetMs)[0];
