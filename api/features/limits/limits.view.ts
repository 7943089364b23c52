import type { LimitedRow } from '../../../store/limits/limited.ts';
import type { components } from '../../generated/openapi.d.ts';
import { time } from '../../http/wire.ts';

type Limited = components['schemas']['RateLimit'];
type Window = components['schemas']['RateLimitWindow'];

const windowOf = (
  name: Window['name'],
  taken: number | null,
  limit: number | null,
  until: Date | null,
): Window[] =>
  taken === null || limit === null || until === null || until.getTime() <= Date.now()
    ? []
    : [{ name, limit, remaining: Math.max(0, limit - taken), resets_at: time(until) }];

const subjectOf = (row: LimitedRow): Limited['subject'] => {
  if (row.user_id !== null) return { type: 'user', id: row.user_id, name: row.user_name };
  const scope = row.kind === 'guesses' ? row.counted.split('/')[1] : 'address';
  // Of all others only a digest is kept.
  return { type: scope as 'account' | 'address' | 'known', id: row.id.slice(0, 8), name: null };
};

export const limitedView = (row: LimitedRow): Limited => ({
  id: row.id,
  kind: row.kind,
  class: row.counted.split('/')[0] ?? row.counted,
  subject: subjectOf(row),
  limited: row.blocked_until !== null,
  blocked_until: row.blocked_until === null ? null : time(row.blocked_until),
  windows: [
    ...windowOf('minute', row.minute_taken, row.minute_limit, row.minute_until),
    ...windowOf('hour', row.hour_taken, row.hour_limit, row.hour_until),
  ],
  refused: row.refused,
  failures: row.failures,
  free_failures: row.free,
  last_at: time(row.last_at),
});
