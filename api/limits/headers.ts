import type { ServerResponse } from 'node:http';
import { tightest, wholeSeconds, type WindowState } from '../../domain/limits/rate.ts';

/** Names of the headers that every limited answer carries. */
export const RATE_HEADERS = [
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'RateLimit',
  'RateLimit-Policy',
] as const;

/**
 * The tightest window in the names that clients know (`X-RateLimit-Reset` in seconds since the epoch), and all windows as
 * structured fields (draft-ietf-httpapi-ratelimit-headers-11).
 */
export const setRateHeaders = (res: ServerResponse, windows: readonly WindowState[]): void => {
  const first = tightest(windows);
  if (!first || res.headersSent) return;
  const each = (text: (window: WindowState) => string): string => windows.map(text).join(', ');
  res.setHeader('X-RateLimit-Limit', String(first.limit));
  res.setHeader('X-RateLimit-Remaining', String(first.remaining));
  res.setHeader('X-RateLimit-Reset', String(Math.ceil((Date.now() + first.resetMs) / 1_000)));
  res.setHeader(
    'RateLimit',
    each(({ name, remaining, resetMs }) => `"${name}";r=${remaining};t=${wholeSeconds(resetMs)}`),
  );
  res.setHeader(
    'RateLimit-Policy',
    each(({ name, limit, length }) => `"${name}";q=${limit};w=${length}`),
  );
};
