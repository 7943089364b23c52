import { DomainError } from '../errors.ts';

/** How far the clock of a sender may be from ours. */
const TOLERANCE_MS = 5 * 60_000;

/** @throws DomainError validation `stale_timestamp` for what was sent, or claims so, more than five minutes ago or ahead. */
export const requireFresh = (timestamp: Date, now: Date): void => {
  if (Math.abs(timestamp.getTime() - now.getTime()) <= TOLERANCE_MS) return;
  const message = `must lie within five minutes of this server's time, ${now.toISOString()}`;
  throw new DomainError('validation', 'stale_timestamp', `body.timestamp ${message}.`, [
    { field: 'body.timestamp', message },
  ]);
};
