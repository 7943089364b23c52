import type { Outgoing } from '../../platform/outgoing.ts';
import { readable, type Readable } from './readable.ts';

const MAX_PAGE_BYTES = 2_000_000;

/**
 * Fetches a page that a search found, through the guard, and reads its text.
 * @returns null for what is no page with text: errors, pictures, PDF
 * @throws OutgoingRefused; the signal's reason.
 */
export const readPage = async (
  outgoing: Outgoing,
  url: string,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Readable | null> => {
  const response = await outgoing.fetch(url, {
    headers: { accept: 'text/html, application/xhtml+xml, text/plain;q=0.8' },
    maxBytes: MAX_PAGE_BYTES,
    overflow: 'truncate',
    timeoutMs,
    signal,
  });
  if (response.status !== 200) return null;
  const type = response.headers['content-type'] ?? '';
  if (/^\s*(?:text\/html|application\/xhtml\+xml)/i.test(type)) return readable(response.text());
  return /^\s*text\/plain/i.test(type)
    ? { text: response.text(), title: null, publisher: null, publishedAt: null }
    : null;
};
