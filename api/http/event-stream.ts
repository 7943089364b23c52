import type { Response } from 'express';
import type { EventSink } from './operation.ts';

/** A client that leaves this much unread is cut off; it resumes from its last id. */
const MAX_BUFFERED_BYTES = 1_000_000;
const PING_MS = 15_000;

/** Opens a response as server-sent events. Comments keep the connection alive through proxies. */
export const openEventStream = (res: Response): EventSink => {
  const closing = new AbortController();
  res.status(200);
  res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('X-Accel-Buffering', 'no');
  res.flushHeaders();
  const ping = setInterval(() => res.write(': ping\n\n'), PING_MS);
  const close = (): void => {
    clearInterval(ping);
    closing.abort();
    res.end();
  };
  res.once('close', close);
  return {
    closed: closing.signal,
    close,
    send: ({ id, type, data }) => {
      if (closing.signal.aborted) return false;
      res.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
      if (res.writableLength <= MAX_BUFFERED_BYTES) return true;
      close();
      return false;
    },
  };
};
