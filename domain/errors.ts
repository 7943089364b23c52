/** What can go wrong by the caller's doing. The API turns a kind into a status in one place; nobody else names a status. */
export type ErrorKind =
  | 'validation'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'gone'
  | 'unprocessable'
  | 'upgrade_required'
  | 'rate_limited'
  | 'unavailable';

export interface FieldError {
  /** Dotted path inside the request, e.g. `body.policy.count`. */
  field: string;
  message: string;
}

/** An expected refusal: `code` is stable and machine readable, `message` is a sentence for people. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly fields: readonly FieldError[];

  constructor(kind: ErrorKind, code: string, message: string, fields: readonly FieldError[] = []) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.fields = fields;
  }
}

/** Too many requests or guesses: the same may be asked again after so many seconds. */
export class RateLimited extends DomainError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number, message: string) {
    super('rate_limited', 'rate_limited', message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** An id of another workspace and an id that never existed get this same answer. */
export const notFound = (what: string, id: string): DomainError =>
  new DomainError('not_found', 'not_found', `There is no ${what} ${id}.`);

export const conflict = (code: string, message: string): DomainError =>
  new DomainError('conflict', code, message);

export const invalid = (field: string, message: string): DomainError =>
  new DomainError('validation', 'validation_error', `${field}: ${message}`, [{ field, message }]);

/** Makes a `switch` over a union exhaustive at compile time. @throws Error when a value escaped its type. */
export const assertNever = (value: never): never => {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
};
