import type { Readable } from 'node:stream';
import type { operations } from '../generated/openapi.d.ts';
import type { Context } from './context.ts';

export type OperationId = keyof operations;
/** No parameters of this kind. */
type Empty = Readonly<Record<string, never>>;
type Operation<O extends OperationId> = operations[O];

type PathOf<Op> = Op extends { parameters: { path: infer P } } ? P : Empty;
type QueryOf<Op> = Op extends { parameters: { query?: infer Q } } ? NonNullable<Q> : Empty;
type BodyOf<Op> = Op extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined;

/** What a handler gets: validated, coerced and with defaults applied, as the spec says. */
export interface Input<O extends OperationId> {
  readonly params: [PathOf<Operation<O>>] extends [never] ? Empty : PathOf<Operation<O>>;
  readonly query: [QueryOf<Operation<O>>] extends [never] ? Empty : QueryOf<Operation<O>>;
  readonly body: BodyOf<Operation<O>>;
}

type Success = 200 | 201 | 202 | 204;
type ContentOf<R> = R extends { content: { 'application/json': infer B } }
  ? B
  : R extends { content: { 'text/plain': infer T } }
    ? T
    : undefined;
type Responses<O extends OperationId> = Operation<O>['responses'];
type SuccessBody<O extends OperationId> = {
  [S in keyof Responses<O>]: S extends Success ? ContentOf<Responses<O>[S]> : never;
}[keyof Responses<O>];

/** What a handler may answer: the success body, or another variant that the operation declares. */
export type Output<O extends OperationId> = SuccessBody<O> | Reply<unknown>;
export type Handler<O extends OperationId> = (input: Input<O>, ctx: Context) => Promise<Output<O>>;
/** All operations of the spec: a missing, unknown or mistyped handler is a compile error. */
export type Handlers = { readonly [O in OperationId]: Handler<O> };

/** Types each handler by its name, so that a feature's file needs no annotations. */
// eslint-disable-next-line typescript/no-unnecessary-type-parameters -- K is inferred from the keys, and types each handler
export const defineHandlers = <K extends OperationId>(handlers: { readonly [O in K]: Handler<O> }) =>
  handlers;

/** An answer that is not just the body with the usual status. */
export class Reply<Body> {
  readonly status: number | undefined;
  readonly body: Body;
  readonly headers: Readonly<Record<string, string>>;
  readonly cacheSeconds: number | undefined;
  readonly stream: ((sink: EventSink) => void) | undefined;
  readonly file: FileAnswer | undefined;

  constructor(fields: {
    status?: number;
    body: Body;
    headers?: Record<string, string>;
    cacheSeconds?: number;
    stream?: (sink: EventSink) => void;
    file?: FileAnswer;
  }) {
    this.status = fields.status;
    this.body = fields.body;
    this.headers = fields.headers ?? {};
    this.cacheSeconds = fields.cacheSeconds;
    this.stream = fields.stream;
    this.file = fields.file;
  }
}

/** One connection that receives server-sent events. */
export interface EventSink {
  /** @returns false when the client does not read fast enough. */
  send(event: { id?: number; type: string; data: unknown }): boolean;
  close(): void;
  readonly closed: AbortSignal;
}

/** Bytes that never change under their address. */
export interface FileAnswer {
  /** As the browser saves it. */
  readonly name: string;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
  /** In quotes, and of the bytes themselves. */
  readonly etag: string;
  /** Called only when the client needs the bytes. */
  readonly open: () => Promise<Readable>;
}

/** A declared variant other than the usual status. */
export const reply = <Body>(status: number, body: Body): Reply<Body> => new Reply({ status, body });
/** A public answer that caches may keep; it carries an ETag, and a client that has it gets 304. */
export const cacheable = <Body>(body: Body, cacheSeconds = 30): Reply<Body> =>
  new Reply({ body, cacheSeconds });
/** A stream of server-sent events. */
export const eventStream = (stream: (sink: EventSink) => void): Reply<undefined> =>
  new Reply({ body: undefined, stream });
/** A file for everyone, that caches may keep for a year. */
export const file = (answer: FileAnswer): Reply<undefined> => new Reply({ body: undefined, file: answer });
