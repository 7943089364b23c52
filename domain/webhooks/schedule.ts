const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long to wait after each failure before the next try, in milliseconds: 14 tries in 70.7 hours. */
const DELAYS: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  12 * HOUR,
  12 * HOUR,
  12 * HOUR,
  12 * HOUR,
];
/** A receiver that asks for more patience than this is asked again after it. */
const MAX_RETRY_AFTER = 6 * HOUR;
/** Nothing is tried after this. */
const PATIENCE = 72 * HOUR;
const TIMEOUT = 15 * SECOND;
const SHORTEST_TIMEOUT = SECOND / 2;

/** For how long the former secret signs beside the new one. */
export const SECRET_OVERLAP_HOURS = 24;

/**
 * When an event is tried again that was refused, in milliseconds from now; `null` when it is given up.
 * @param failures how many tries have failed, this one included.
 * @param elapsedMs since the first of them.
 * @param retryAfterMs what the receiver asked for.
 * @param scale how fast time passes: 1 but in tests.
 */
export const nextTry = (
  failures: number,
  elapsedMs: number,
  retryAfterMs: number | null,
  scale: number,
): number | null => {
  const planned = DELAYS[failures - 1];
  if (planned === undefined) return null;
  const delay = Math.max(planned, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER)) * scale;
  return elapsedMs + delay > PATIENCE * scale ? null : delay;
};

/** How long a receiver may take for its answer, in milliseconds. */
export const answerTimeout = (scale: number): number => Math.max(TIMEOUT * scale, SHORTEST_TIMEOUT);

/** The header `Retry-After`, seconds or a date, in milliseconds from `now`; `null` for what says neither. */
export const retryAfter = (header: string | undefined, now: Date): number | null => {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * SECOND;
  const at = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(at - now.getTime(), 0);
};
