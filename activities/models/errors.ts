import { APICallError } from '@ai-sdk/provider';
import { ApplicationFailure } from '@temporalio/common';
import { textField, vendorFacts, type VendorFacts } from './vendor-facts.ts';

/** The closed set of ways a model call fails; workflows and retry policies may rely on these words. */
export type ModelErrorType =
  | 'model_rate_limited'
  | 'model_unavailable'
  | 'model_stalled'
  | 'model_rejected'
  | 'model_unauthorized'
  | 'model_not_configured';

const MAX_MESSAGE_CHARS = 500;
const MAX_RETRY_DELAY_MS = 5 * 60_000;
const RETRYABLE: ReadonlySet<ModelErrorType> = new Set([
  'model_rate_limited',
  'model_unavailable',
  'model_stalled',
]);

/** OpenAI answers 429 for an empty account too, which no waiting cures. */
const REJECTED_CODES: ReadonlySet<string> = new Set(['insufficient_quota', 'context_length_exceeded']);
/** Google answers 400 for a key that is none. */
const UNAUTHORIZED_CODES: ReadonlySet<string> = new Set(['API_KEY_INVALID', 'authentication_error']);

/** What the mapping needs to know of the model that failed. */
export interface FailingModel {
  id: string;
  /** The environment variable that an operator checks when the vendor refuses the credentials. */
  setting: string;
  /** Removes this provider's credentials from a text. */
  redact(text: string): string;
}

/** A text without anything that looks like a credential, whichever vendor's words it came in. */
const withoutSecrets = (text: string): string =>
  text.replace(/\b(sk|pk|key)-[\w-]{6,}/gi, '[secret]').replace(/\bBearer\s+\S+/gi, 'Bearer [secret]');

/**
 * A failure of a model call in the closed vocabulary. It carries no cause: vendor errors hold the request's
 * body and headers, and Temporal would write them into the history.
 * @param message truncated to 500 characters
 * @param retryDelayMs wait before the next attempt, where somebody knows it; capped at 5 minutes
 */
export const modelFailure = (
  type: ModelErrorType,
  message: string,
  retryDelayMs?: number,
): ApplicationFailure =>
  ApplicationFailure.create({
    type,
    message: withoutSecrets(message).slice(0, MAX_MESSAGE_CHARS),
    nonRetryable: !RETRYABLE.has(type),
    ...(retryDelayMs === undefined ? {} : { nextRetryDelay: Math.min(retryDelayMs, MAX_RETRY_DELAY_MS) }),
  });

/**
 * The wait that an answer asks for.
 * @param headers lower-case names; `retry-after-ms`, then `retry-after` as seconds or an HTTP date (RFC 9110 10.2.3)
 * @returns milliseconds, or undefined where nothing usable and in the future was said
 */
export const retryAfterMs = (
  headers: Readonly<Record<string, string | undefined>> | undefined,
  nowMs: number,
): number | undefined => {
  const exact = Number.parseFloat(headers?.['retry-after-ms'] ?? '');
  if (exact > 0) return Math.ceil(exact);
  const text = headers?.['retry-after']?.trim();
  if (!text) return undefined;
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return waitMs > 0 ? Math.ceil(waitMs) : undefined;
};

const classify = ({ status, code }: VendorFacts): ModelErrorType => {
  if (code !== undefined && REJECTED_CODES.has(code)) return 'model_rejected';
  if (code !== undefined && UNAUTHORIZED_CODES.has(code)) return 'model_unauthorized';
  if (status === 429 || (status === undefined && code?.startsWith('rate_limit'))) return 'model_rate_limited';
  if (status === 401 || status === 403) return 'model_unauthorized';
  if (status === undefined) return code === 'invalid_request_error' ? 'model_rejected' : 'model_unavailable';
  return status >= 400 && status < 500 && status !== 408 ? 'model_rejected' : 'model_unavailable';
};

/** Whether a model was asked and gave nothing that can be used: who can do without it goes on. */
export const isRejection = (error: unknown): boolean =>
  error instanceof ApplicationFailure && error.type === ('model_rejected' satisfies ModelErrorType);

const unbilled = new WeakSet<object>();

/** Marks a failure of a call that no vendor can have billed. */
export const withoutBill = (failure: ApplicationFailure): ApplicationFailure => {
  unbilled.add(failure);
  return failure;
};

const unsent = new WeakSet<object>();

/** Marks a failure of a call that never reached its vendor. */
export const withoutCall = (failure: ApplicationFailure): ApplicationFailure => {
  unsent.add(failure);
  return withoutBill(failure);
};

/** Whether a call that failed so never reached its vendor: there was none. */
export const isUnsent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && unsent.has(error);

/** Whether a call that failed so can't have been billed: it was refused, or never reached its vendor. */
export const isUnbilled = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && unbilled.has(error);

const NO_CONNECTION: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

const wasRefused = (error: unknown): boolean =>
  APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode >= 400;

const neverArrived = (error: unknown): boolean => {
  // Not by `instanceof`: the network's errors are made in another realm where a test runs.
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = Reflect.get(cause, 'cause'))
    if (NO_CONNECTION.has(textField(cause, 'code') ?? '')) return true;
  return false;
};

/**
 * Maps whatever the AI SDK or a provider threw to one failure of the closed vocabulary: 429 is rate limited,
 * 401 and 403 unauthorized (the message then names the setting and repeats nothing of the vendor's text), other
 * 4xx but 408 rejected, and everything else (5xx, 529, network, a cut or garbled stream) unavailable.
 */
export const toModelFailure = (error: unknown, model: FailingModel): ApplicationFailure => {
  if (error instanceof ApplicationFailure) return error;
  const failure = mapped(error, model);
  if (neverArrived(error)) return withoutCall(failure);
  return wasRefused(error) ? withoutBill(failure) : failure;
};

const mapped = (error: unknown, model: FailingModel): ApplicationFailure => {
  const facts = vendorFacts(error);
  const type = classify(facts);
  const status = facts.status === undefined ? '' : ` (HTTP ${facts.status})`;
  if (type === 'model_unauthorized')
    return modelFailure(type, `${model.id} refused the credentials${status}: check ${model.setting}`);
  const said = model.redact(
    error instanceof Error ? error.message : String(textField(error, 'message') ?? error),
  );
  // The SDK's words for a stream that broke after 200 OK are "Failed to process successful response".
  if (facts.status !== undefined && facts.status < 300)
    return modelFailure(type, `${model.id} cut its answer short: ${said}`);
  const delayMs =
    type === 'model_rate_limited' ? (retryAfterMs(facts.headers, Date.now()) ?? facts.delayMs) : undefined;
  return modelFailure(type, `${model.id} failed${status}: ${said}`, delayMs);
};
