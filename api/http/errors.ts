import type { ErrorRequestHandler, Request, Response } from 'express';
import { DomainError, RateLimited, type ErrorKind, type FieldError } from '../../domain/errors.ts';
import { FilesUnavailable } from '../../platform/files.ts';
import { isDatabaseAway } from '../../store/availability.ts';
import type { components } from '../generated/openapi.d.ts';
import { maybeOperationOf } from './matched.ts';
import { requestOf } from './request.ts';
import { RunFailure } from './run-failure.ts';
import { isWarming } from './warm.ts';

const STATUS_OF: Record<ErrorKind, number> = {
  validation: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  unprocessable: 422,
  upgrade_required: 426,
  rate_limited: 429,
  unavailable: 503,
};

const TITLES: Record<number, string> = {
  400: 'The request is not valid',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not acceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'The request is too large',
  415: 'The content type is not supported',
  422: 'The request is not valid',
  426: 'Upgrade required',
  429: 'Too many requests',
  502: 'A service behind this one refused',
  503: 'Not available right now',
};

const CODES: Record<number, string> = {
  400: 'validation_error',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'validation_error',
};

interface Failure {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fields?: readonly FieldError[];
  readonly headers?: Record<string, string>;
  readonly runId?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** The status with which this operation's document reports invalid input. */
const validationStatus = (req: Request): number =>
  maybeOperationOf(req)?.schema.responses?.['400'] ? 400 : 422;

interface ValidatorError {
  readonly status?: number;
  readonly message?: string;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly errors?: readonly { path: string; message: string }[];
}

/** `/body/task_name` becomes `body.task_name`. */
const fieldPath = (path: string): string => path.replace(/^\//, '').replaceAll('/', '.');

const ofValidator = (req: Request, error: ValidatorError & { status: number }): Failure => {
  const fields = (error.errors ?? []).map(({ path, message }) => ({ field: fieldPath(path), message }));
  // What can't be an id names nothing: that is the answer for any unknown id.
  if (error.status === 400 && fields.length > 0 && fields.every(({ field }) => field.startsWith('params.')))
    return { status: 404, code: 'not_found', detail: `There is nothing at ${req.path}.` };
  if (error.status === 400)
    return {
      status: validationStatus(req),
      code: 'validation_error',
      detail: error.message ?? 'The request is not valid.',
      fields,
    };
  return {
    status: error.status,
    code: CODES[error.status] ?? 'error',
    detail:
      error.status === 404 ? `There is nothing at ${req.path}.` : (error.message ?? 'The request failed.'),
    ...(error.headers ? { headers: error.headers } : {}),
  };
};

const toFailure = (req: Request, error: unknown): Failure => {
  if (error instanceof DomainError) {
    const status = error.kind === 'validation' ? validationStatus(req) : STATUS_OF[error.kind];
    const retryAfter = error instanceof RateLimited ? { retryAfter: error.retryAfterSeconds } : {};
    return { status, code: error.code, detail: error.message, fields: error.fields, ...retryAfter };
  }
  if (error instanceof RunFailure)
    return { status: error.status, code: error.code, detail: error.message, runId: error.runId };
  const known = error as ValidatorError & { code?: string };
  if (known.type === 'entity.parse.failed')
    return { status: 400, code: 'malformed_json', detail: 'The body is not valid JSON.' };
  if (known.type === 'entity.too.large')
    return { status: 413, code: 'payload_too_large', detail: 'The body is larger than this server takes.' };
  // Before an operation is found, the address is all that can be wrong.
  if (error instanceof URIError || (known.status === 400 && !maybeOperationOf(req)))
    return { status: 400, code: 'malformed_url', detail: 'The address is not validly encoded.' };
  if (typeof known.status === 'number' && known.status < 500)
    return ofValidator(req, { ...known, message: known.message ?? '', status: known.status });
  if (known.status === 503 || isDatabaseAway(known))
    return {
      status: 503,
      code: 'unavailable',
      detail: 'The database does not answer right now. Try again in a moment.',
    };
  if (error instanceof FilesUnavailable)
    return {
      status: 503,
      code: 'unavailable',
      detail: 'The file storage does not answer right now. Try again in a moment.',
    };
  return {
    status: 500,
    code: 'internal_error',
    detail: 'Something went wrong here. The request id helps to find out what.',
  };
};

/** Seconds after which the same request may go through, where that is known. */
const retryAfterOf = ({ status, retryAfter }: Failure): { retry_after?: number } => {
  const seconds = retryAfter ?? (status === 503 ? 2 : undefined);
  return seconds === undefined ? {} : { retry_after: seconds };
};

/** The one error body (RFC 9457), with the names that each document gives the code. */
export const problem = (req: Request, failure: Failure): components['schemas']['Problem'] => ({
  type: failure.code,
  title: TITLES[failure.status] ?? 'The server failed',
  status: failure.status,
  detail: failure.detail,
  instance: req.originalUrl.split('?')[0] ?? '/',
  error: failure.code,
  error_code: failure.code,
  code: failure.code,
  ...(failure.fields?.length
    ? {
        fields: Object.fromEntries(failure.fields.map(({ field, message }) => [field, message])),
        errors: [...failure.fields],
      }
    : {}),
  ...retryAfterOf(failure),
  ...(failure.runId === undefined ? {} : { run_id: failure.runId }),
  timestamp: new Date().toISOString(),
  request_id: requestOf(req).id,
});

/** Sends a failure as the one error body. */
export const sendProblem = (req: Request, res: Response, failure: Failure): void => {
  for (const [name, value] of Object.entries(failure.headers ?? {})) res.setHeader(name, value);
  if (failure.status === 401) res.setHeader('WWW-Authenticate', 'Bearer');
  const { retry_after: retryAfter } = retryAfterOf(failure);
  if (retryAfter !== undefined) res.setHeader('Retry-After', String(retryAfter));
  res.statusCode = failure.status;
  res.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  res.end(JSON.stringify(problem(req, failure)));
};

/** The end of every failed request: expected refusals as they are, all else logged once and answered without details. */
export const errorHandler: ErrorRequestHandler = (error, req, res, next) => {
  if (isWarming(req)) return void res.end();
  const failure = toFailure(req, error);
  if (failure.status >= 500)
    requestOf(req).log.error({ err: error, path: req.path, method: req.method }, 'a request failed');
  if (res.headersSent) return next(error);
  sendProblem(req, res, failure);
};
