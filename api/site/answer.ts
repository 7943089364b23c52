import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';

export interface Answer {
  readonly status?: number;
  readonly type: string;
  readonly body: string;
  readonly maxAgeSeconds: number;
  readonly policy: string;
}

const headersFor = (res: Response, policy: string): void => {
  res.setHeader('Content-Security-Policy', policy);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Referrer-Policy', 'strict-origin-when-cross-origin');
};

/** Express would answer in full whenever the client also says `no-cache`, as everyone does who sets the header by `fetch`. */
const hasIt = (req: Request, etag: string): boolean => {
  const known = (req.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
};

/**
 * Sends a public, cacheable answer with a strong ETag made from its content, or 304 to who has it (RFC 9110, 13.1.2).
 * Answers to HEAD have no body. Errors (status 400 and above) are not to be cached.
 */
export const sendAnswer = (req: Request, res: Response, answer: Answer): void => {
  const { status = 200, type, body, maxAgeSeconds, policy } = answer;
  headersFor(res, policy);
  res.setHeader('Cache-Control', status < 400 ? `public, max-age=${maxAgeSeconds}` : 'no-store');
  if (status < 400) {
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    res.setHeader('ETag', etag);
    if (hasIt(req, etag)) return void res.status(304).end();
  }
  res.setHeader('Content-Type', type);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.status(status).end(body);
};

/**
 * Sends a file of an installed package, with its ETag. The address of such a file carries the package's version.
 * @param folder the only place that `name` is looked for in.
 */
export const sendPackageFile = (res: Response, folder: string, name: string, policy: string): Promise<void> =>
  new Promise((resolve, reject) => {
    headersFor(res, policy);
    res.sendFile(name, { root: folder, maxAge: 86_400_000 }, (error: NodeJS.ErrnoException | undefined) => {
      // A reader who went away is no failure of the server.
      if (error && error.code !== 'ECONNABORTED' && error.code !== 'EPIPE') reject(error);
      else resolve();
    });
  });
