import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { request } from 'undici';
import { readBody } from './outgoing-body.ts';
import { connectTo, type Connection, type Target } from './outgoing-connection.ts';
import { OutgoingRefused, toRefusal } from './outgoing-refused.ts';
import { hostOf, isPublicAddress, parseAllowance, portOf, type Allowance } from './outgoing-rules.ts';
import { VERSION } from './version.ts';

export interface OutgoingRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Limit of the body, after decompression. */
  readonly maxBytes?: number;
  /** What happens to a body beyond the limit: an error (the default), or its beginning with `truncated`. */
  readonly overflow?: 'refuse' | 'truncate';
  /** Limit of all of it: names, connections, redirects, body. */
  readonly timeoutMs?: number;
  /** Redirects beyond this number are an error. */
  readonly maxRedirects?: number;
}

export interface OutgoingResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  readonly body: Buffer;
  /** The body as text, in the character set that it declares. */
  text(): string;
  readonly truncated: boolean;
}

export interface Outgoing {
  /**
   * Sends a request to an address that somebody else named.
   * @throws OutgoingRefused for whatever the address or the other side is to blame for; the signal's reason when aborted.
   */
  fetch(url: string, options?: OutgoingRequest): Promise<OutgoingResponse>;
  /**
   * Resolves an address as a request to it would, and calls nothing. An exception by name is not resolved.
   * @throws OutgoingRefused for one that may not be called, and for one that is not found in time.
   */
  check(url: string, timeoutMs: number): Promise<void>;
  /** False where an address's text alone rules it out; true promises nothing, as its name is not resolved. */
  mayCall(url: string): boolean;
}

export interface OutgoingOptions {
  /** Exceptions to the rule: host, host:port or CIDR. */
  readonly allow?: readonly string[];
  /** All addresses of a name; the system's resolver when not given. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Limit of resolving and connecting together, for each address on the way. */
  readonly connectTimeoutMs?: number;
}

const NAMES_BY_SYSTEM = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/** Headers of a connection, and those that this module answers for. */
const OURS =
  /^(?:host|connection|content-length|transfer-encoding|keep-alive|te|trailer|upgrade|expect|accept-encoding)$/i;
/** What may go on to another origin: a key that was meant for the first one may not. */
const HARMLESS = /^(?:accept|accept-language|user-agent|content-type)$/i;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Names that mean this machine or its network, whatever they resolve to. */
const LOCAL_NAME = /^[^.]+$|\.(?:localhost|local|internal)$/;

const keep = (
  headers: Readonly<Record<string, string>>,
  test: (name: string) => boolean,
): Record<string, string> => Object.fromEntries(Object.entries(headers).filter(([name]) => test(name)));

const ownHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OURS.test(name))
      .map(([name, value]) => [name.toLowerCase(), value]),
  );

const isCallable = (url: URL): boolean =>
  /^https?:$/.test(url.protocol) && url.hostname !== '' && url.username === '' && url.password === '';

const parseOutgoing = (text: string, base?: string): URL => {
  const url = URL.parse(text, base);
  if (url && isCallable(url)) return url;
  throw new OutgoingRefused('bad_scheme', 'Only http and https addresses without a user name can be called');
};

/** The addresses of a URL's host, every one of which may be connected to. */
const targetOf = async (
  url: URL,
  allowance: Allowance,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<Target> => {
  const [host, port] = [hostOf(url), portOf(url)];
  const addresses = isIP(host) === 0 ? await resolve(host) : [host];
  if (addresses.length === 0) throw new OutgoingRefused('unreachable', `${host} has no address`, false);
  const allowed = allowance.allowsName(host, port);
  for (const address of addresses)
    if (!allowed && !isPublicAddress(address) && !allowance.allowsAddress(address, port))
      throw new OutgoingRefused(
        'blocked_address',
        `${host} is not on the public internet, so it is not called (TASKLOOM_OUTGOING_ALLOW lists exceptions)`,
      );
  return { host, addresses };
};

interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

/** The request after a redirect, as browsers make it. */
const follow = (hop: Hop, status: number, location: string): Hop => {
  const url = parseOutgoing(location, hop.url.href);
  const headers =
    url.origin === hop.url.origin ? hop.headers : keep(hop.headers, (name) => HARMLESS.test(name));
  const turnsToGet = status === 303 ? hop.method !== 'HEAD' : status < 303 && hop.method === 'POST';
  return turnsToGet
    ? { url, method: 'GET', headers: keep(headers, (name) => !/^content-/i.test(name)), body: undefined }
    : { ...hop, url, headers };
};

interface Limits {
  readonly maxBytes: number;
  readonly overflow: 'refuse' | 'truncate';
  readonly signal: AbortSignal;
}

type Connect = (url: URL, signal: AbortSignal) => Promise<Connection>;

/** One request on a connection of its own. @returns the answer, or where it redirects to. */
const send = async (hop: Hop, limits: Limits, connect: Connect): Promise<OutgoingResponse | Hop> => {
  const connection = await connect(hop.url, limits.signal);
  try {
    const answer = await connection.during(
      request(hop.url, {
        dispatcher: connection.agent,
        method: hop.method as 'GET',
        headers: { ...hop.headers, 'accept-encoding': 'gzip, br' },
        body: hop.body ?? null,
        signal: connection.signal,
      }),
    );
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
    );
    const { location } = headers;
    if (REDIRECTS.has(answer.statusCode) && location !== undefined) {
      answer.body.on('error', () => {}).destroy();
      return follow(hop, answer.statusCode, location);
    }
    const read = await readBody(answer.body, headers, limits);
    return { status: answer.statusCode, headers, url: hop.url.href, ...read };
  } finally {
    await connection.close();
  }
};

const sendAndFollow = async (
  first: Hop,
  limits: Limits,
  maxRedirects: number,
  connect: Connect,
): Promise<OutgoingResponse> => {
  let hop = first;
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const result = await send(hop, limits, connect);
    if ('status' in result) return result;
    hop = result;
  }
  throw new OutgoingRefused(
    'too_many_redirects',
    `${hostOf(first.url)} redirects more than ${maxRedirects} times`,
  );
};

/**
 * The one way out to addresses that a client named (webhooks, pages, feeds): http(s) only, public addresses only, checked
 * after resolving and kept for the connection, every redirect checked again, all of it limited in size and time.
 */
export const createOutgoing = ({
  allow = [],
  resolve = NAMES_BY_SYSTEM,
  connectTimeoutMs = 4_000,
}: OutgoingOptions = {}): Outgoing => {
  const allowance = parseAllowance(allow);
  const connect: Connect = (to, signal) =>
    connectTo((url) => targetOf(url, allowance, resolve), to, connectTimeoutMs, signal);
  return {
    mayCall: (text) => {
      const url = URL.parse(text);
      if (!url || !isCallable(url)) return false;
      const [host, port] = [hostOf(url), portOf(url)];
      if (isIP(host) !== 0) return isPublicAddress(host) || allowance.allowsAddress(host, port);
      return !LOCAL_NAME.test(host) || allowance.allowsName(host, port);
    },
    check: async (text, timeoutMs) => {
      const url = parseOutgoing(text);
      const host = hostOf(url);
      if (allowance.allowsName(host, portOf(url))) return;
      const late = new Promise<never>((_, reject) => {
        const refusal = new OutgoingRefused('unreachable', `${host} was not found in time`, false);
        setTimeout(reject, timeoutMs, refusal).unref();
      });
      await Promise.race([targetOf(url, allowance, resolve), late]).catch((error: unknown) => {
        throw toRefusal(error, host);
      });
    },
    fetch: async (text, { signal, timeoutMs = 15_000, maxRedirects = 3, ...options } = {}) => {
      signal?.throwIfAborted();
      const url = parseOutgoing(text);
      const deadline = AbortSignal.timeout(timeoutMs);
      const limits: Limits = {
        maxBytes: options.maxBytes ?? 2_000_000,
        overflow: options.overflow ?? 'refuse',
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      };
      const hop: Hop = {
        url,
        method: options.method?.toUpperCase() ?? 'GET',
        headers: { 'user-agent': `Taskloom/${VERSION}`, ...ownHeaders(options.headers ?? {}) },
        body: options.body,
      };
      try {
        return await sendAndFollow(hop, limits, maxRedirects, connect);
      } catch (error) {
        signal?.throwIfAborted();
        if (deadline.aborted)
          throw new OutgoingRefused('timeout', `${hostOf(url)} did not answer within ${timeoutMs} ms`);
        throw toRefusal(error, hostOf(url));
      }
    },
  };
};

export { OutgoingRefused, type OutgoingCode } from './outgoing-refused.ts';
