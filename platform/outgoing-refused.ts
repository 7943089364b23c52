export type OutgoingCode =
  'blocked_address' | 'bad_scheme' | 'too_many_redirects' | 'too_large' | 'timeout' | 'unreachable';

/**
 * Why a request to an address that somebody named has no answer. The message names at most the host: paths and queries may
 * hold credentials. It carries no cause, as the client library's errors hold headers.
 */
export class OutgoingRefused extends Error {
  override readonly name = 'OutgoingRefused';
  readonly code: OutgoingCode;
  /** Whether the other side was reached at all. */
  readonly reached: boolean;

  constructor(code: OutgoingCode, message: string, reached = true) {
    super(message);
    this.code = code;
    this.reached = reached;
  }
}

/** Codes of names that do not resolve and connections that do not come about. */
const NOT_REACHED =
  /^(?:ENOTFOUND|EAI_\w+|ENODATA|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ENETDOWN|EHOSTDOWN|EADDRNOTAVAIL|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/;

const codeOf = (error: unknown): string => {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^\w+$/.test(code) ? code : 'unknown';
};

/** Maps whatever the network or the client library threw. */
export const toRefusal = (error: unknown, host: string): OutgoingRefused => {
  if (error instanceof OutgoingRefused) return error;
  const code = codeOf(error);
  const reached = !NOT_REACHED.test(code);
  const words = reached ? 'broke off its answer' : 'can not be reached';
  return new OutgoingRefused('unreachable', `${host} ${words} (${code})`, reached);
};
