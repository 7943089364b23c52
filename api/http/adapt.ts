import { createHash } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { canonicalJson, type Json } from '../../domain/json.ts';
import { ANYONE, publicPrincipal, type Principal } from '../../domain/identity/principal.ts';
import { Replay, type IdempotencyClaim } from '../../store/idempotency.ts';
import type { Administration } from '../../store/administration.ts';
import type { Store } from '../../store/store.ts';
import type { Limits } from '../limits/limits.ts';
import type { Context } from './context.ts';
import type { Caller } from '../auth/sign-in.ts';
import { openEventStream } from './event-stream.ts';
import { isFresh, sendFile } from './file.ts';
import { operationOf } from './matched.ts';
import { Reply } from './operation.ts';
import { clientOf, requestOf } from './request.ts';
import { checkText } from './text.ts';

/** What the adapter needs to know of an operation, read from the spec once. */
export interface OperationFacts {
  readonly id: string;
  readonly method: string;
  readonly successStatus: number;
  readonly isPrivate: boolean;
  readonly isIdempotent: boolean;
  readonly crossesWorkspaces: boolean;
  /** Whether API keys may call it; the rest is for people. */
  readonly takesKeys: boolean;
}

export interface AdapterDeps {
  readonly store: Store;
  readonly siteWorkspaceId: () => Promise<string>;
  readonly administration: Administration;
  /** Tells every process that somebody's rights may have changed. */
  readonly rightsChanged: () => void;
  readonly limits: Pick<Limits, 'addressOf'>;
}

type AnyHandler = (input: { params: object; query: object; body: unknown }, ctx: Context) => Promise<unknown>;

const claimOf = (req: Request, facts: OperationFacts): IdempotencyClaim | undefined => {
  const key = facts.isIdempotent ? req.get('idempotency-key') : undefined;
  if (key === undefined) return undefined;
  return {
    method: facts.method,
    path: req.path,
    key,
    requestHash: createHash('sha256')
      .update(canonicalJson((req.body ?? null) as Json))
      .digest('hex'),
    status: (answer) =>
      answer instanceof Reply ? (answer.status ?? facts.successStatus) : facts.successStatus,
    bodyOf: (answer) => (answer instanceof Reply ? answer.body : (answer ?? null)) as Json,
  };
};

const closedSignal = (res: Response): AbortSignal => {
  if (res.closed) return AbortSignal.abort();
  const closing = new AbortController();
  res.once('close', () => closing.abort());
  return closing.signal;
};

const createContext = (req: Request, res: Response, facts: OperationFacts, deps: AdapterDeps): Context => {
  let closed: AbortSignal | undefined;
  const state = requestOf(req);
  const claim = claimOf(req, facts);
  const need = () => {
    if (!state.principal) throw new Error(`${facts.id} is open to everyone and asked who is calling`);
    return state.principal;
  };
  const origin = (): Caller => ({ requestId: state.id, client: clientOf(req, deps.limits.addressOf(req)) });
  const across = (): Administration => {
    if (!facts.crossesWorkspaces) throw new Error(`${facts.id} is not marked as one that crosses workspaces`);
    return deps.administration;
  };
  const site = async (): Promise<Principal> => publicPrincipal(await deps.siteWorkspaceId());
  return {
    get principal() {
      return need();
    },
    get reader() {
      return need();
    },
    maybePrincipal: state.principal,
    get webhook() {
      if (!state.webhook) throw new Error(`${facts.id} takes no webhook token and asked who is sending`);
      return state.webhook;
    },
    requestId: state.id,
    get traceId() {
      return state.traceId;
    },
    get log() {
      return state.log;
    },
    get caller() {
      return origin();
    },
    accept: req.get('accept') ?? '',
    header: (name) => req.get(name),
    get closed() {
      return (closed ??= closedSignal(res));
    },
    read: (fn) => deps.store.read(need(), fn),
    write: (fn) => deps.store.write(need(), fn, { ...origin(), idempotency: claim }),
    administer: async (fn) => {
      const answer = await across().write(need(), fn, { ...origin(), idempotency: claim });
      deps.rightsChanged();
      return answer;
    },
    readAcross: (fn) => across().read(fn),
    readOpen: (fn) => deps.store.read(ANYONE, fn),
    readSite: async (fn) => deps.store.read(await site(), fn),
  };
};

const sendCacheable = (req: Request, res: Response, answer: Reply<unknown>, status: number): void => {
  const etag = `"${createHash('sha1').update(JSON.stringify(answer.body)).digest('base64url')}"`;
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', `public, max-age=${answer.cacheSeconds}, stale-while-revalidate=60`);
  if (isFresh(req, etag)) res.status(304).end();
  else res.status(status).json(answer.body);
};

const send = async (req: Request, res: Response, answer: unknown, facts: OperationFacts): Promise<void> => {
  const reply = answer instanceof Reply ? answer : new Reply({ body: answer });
  const status = reply.status ?? facts.successStatus;
  for (const [name, value] of Object.entries(reply.headers)) res.setHeader(name, value);
  if (reply.file) await sendFile(req, res, reply.file, status);
  else if (reply.stream) reply.stream(openEventStream(res));
  else if (reply.cacheSeconds !== undefined) sendCacheable(req, res, reply, status);
  else if (reply.body === undefined) res.status(status).end();
  else if (typeof reply.body === 'string')
    res
      .status(status)
      .type(reply.headers['Content-Type'] ?? 'text/plain')
      .send(reply.body);
  else res.status(status).json(reply.body);
};

/** Turns a handler into Express's: the only place that touches a response for an operation of the spec. */
export const adapt =
  (handler: AnyHandler, facts: OperationFacts, deps: AdapterDeps): RequestHandler =>
  async (req, res) => {
    if (facts.isPrivate) res.setHeader('Cache-Control', 'no-store');
    try {
      const input = { params: operationOf(req).pathParams, query: req.query, body: req.body as unknown };
      checkText(input);
      const answer = await handler(input, createContext(req, res, facts, deps));
      await send(req, res, answer, facts);
    } catch (error) {
      if (!(error instanceof Replay)) throw error;
      res.setHeader('Idempotency-Replayed', 'true');
      await send(req, res, new Reply({ status: error.status, body: error.body ?? undefined }), facts);
    }
  };
