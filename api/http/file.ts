import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import type { FileAnswer } from './operation.ts';
import { isHead } from './request.ts';

const YEAR_SECONDS = 31_536_000;

/** Whether the client has this version already (RFC 9110 13.1.2: compared weakly). */
export const isFresh = (req: Request, etag: string): boolean =>
  (req.get('if-none-match') ?? '')
    .split(',')
    .map((known) => known.trim().replace(/^W\//, ''))
    .some((known) => known === '*' || known === etag);

const setHeaders = (res: Response, answer: FileAnswer): void => {
  res.setHeader('ETag', answer.etag);
  res.setHeader('Cache-Control', `public, max-age=${YEAR_SECONDS}, immutable`);
  // Pages of other origins show it: a blog that embeds the picture, a network that previews a link.
  res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
};

/** A client that leaves in the middle is no failure of ours. */
const hasLeft = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';

/** Sends a file: nothing but headers to a client that has it or asked for no more; what fails before the first byte is a problem. */
export const sendFile = async (
  req: Request,
  res: Response,
  answer: FileAnswer,
  status: number,
): Promise<void> => {
  if (isFresh(req, answer.etag)) {
    setHeaders(res, answer);
    res.status(304).end();
    return;
  }
  const stream = isHead(req) ? undefined : await answer.open();
  setHeaders(res, answer);
  res.status(status);
  res.setHeader('Content-Type', answer.contentType);
  res.setHeader('Content-Length', answer.size);
  res.setHeader('Content-Disposition', `inline; filename="${answer.name}"`);
  if (!stream) {
    res.end();
    return;
  }
  await pipeline(stream, res).catch((error: unknown) => {
    if (!hasLeft(error)) throw error;
  });
};
