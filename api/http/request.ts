import { randomBytes, randomUUID } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { ClientInfo } from '../../domain/audit/entry.ts';
import type { UserPrincipal } from '../../domain/identity/principal.ts';
import type { Log } from '../../platform/logger.ts';
import type { WebhookCaller } from '../../store/webhooks/tokens.repository.ts';

/** What is known about a request before any handler. What few requests ask for is made when it is asked for. */
export class RequestState {
  readonly id: string;
  principal?: UserPrincipal;
  webhook?: WebhookCaller;
  readonly #parentLog: Log;
  #traceId: string | undefined;
  #log: Log | undefined;

  constructor(id: string, traceId: string | undefined, log: Log) {
    this.id = id;
    this.#traceId = traceId;
    this.#parentLog = log;
  }

  /** 32 hexadecimal digits (W3C Trace Context). */
  get traceId(): string {
    return (this.#traceId ??= randomBytes(16).toString('hex'));
  }

  get log(): Log {
    return (this.#log ??= this.#parentLog.child({ request_id: this.id, trace_id: this.traceId }));
  }
}

const states = new WeakMap<object, RequestState>();

/** @throws Error for a request that did not come through `identify`. */
export const requestOf = (req: object): RequestState => {
  const state = states.get(req);
  if (!state) throw new Error('the request was not identified');
  return state;
};

const SANE_ID = /^[\w.:-]{1,100}$/;
const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

const MAX_AGENT = 500;

/** Where a request came from. What a client says of itself is kept as it is, up to a length. @param address as far as it can be trusted */
export const clientOf = (req: Request, address: string): ClientInfo & { readonly address: string } => ({
  address,
  userAgent: req.get('user-agent')?.slice(0, MAX_AGENT) ?? null,
});

/** Gives a request its ids: the client's own `X-Request-Id` and `traceparent` where they are sound. */
export const identify =
  (log: Log): RequestHandler =>
  (req: Request, res: Response, next: NextFunction) => {
    const given = req.get('x-request-id');
    const id = given && SANE_ID.test(given) ? given : randomUUID();
    states.set(req, new RequestState(id, TRACEPARENT.exec(req.get('traceparent') ?? '')?.[1], log));
    res.setHeader('X-Request-Id', id);
    next();
  };

const heads = new WeakSet<object>();

/** A file can be asked about without its bytes: the operation is the one that would send them. */
export const headAsGet: RequestHandler = (req, _res, next) => {
  if (req.method === 'HEAD') {
    heads.add(req);
    req.method = 'GET';
  }
  next();
};

/** Whether a request asked for the headers alone. */
export const isHead = (req: object): boolean => heads.has(req);

/** `/api/tasks/` is `/api/tasks`, without a redirect: a redirect may lose the body. */
export const trimTrailingSlash: RequestHandler = (req, _res, next) => {
  const [path = '', ...query] = req.url.split('?');
  if (path.length > 1 && path.endsWith('/')) {
    req.url = [path.replace(/\/+$/, '') || '/', ...query].join('?');
    req.originalUrl = req.url;
  }
  next();
};
