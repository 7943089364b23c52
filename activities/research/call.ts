import { setTimeout as delay } from 'node:timers/promises';
import type { JsonObject } from '../../domain/json.ts';
import { createOutgoing, OutgoingRefused, type OutgoingResponse } from '../../platform/outgoing.ts';
import { retryAfterMs } from '../models/errors.ts';
import type { Ask, Provider, VendorAnswer, VendorRequest } from './provider.ts';

/** Why a search has no result: the words after "no sources: ". Nothing of the vendor's text and no address is in it. */
export class ResearchFailure extends Error {
  override readonly name = 'ResearchFailure';
}

const MAX_ANSWER_BYTES = 8_000_000;
const LONGEST_WAIT_MS = 5_000;

interface Endpoint {
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A base URL in parts: a user name and password in it become the header that they stand for. */
const endpointOf = (baseUrl: string): Endpoint => {
  const url = new URL(baseUrl);
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return {
    base: url.href.replace(/\/+$/, ''),
    headers: user === ':' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` },
  };
};

/** Operators choose base URLs, so they may be anywhere; where they redirect to may not. */
const trusting = (base: string) => {
  const { hostname, port, protocol } = new URL(base);
  return createOutgoing({ allow: [`${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`] });
};

const parseObject = (response: OutgoingResponse): JsonObject | null => {
  try {
    const value: unknown = JSON.parse(response.text());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : null;
  } catch {
    return null;
  }
};

const networkFailure = (error: unknown, { name }: Provider): unknown => {
  if (!(error instanceof OutgoingRefused)) return error;
  if (!error.reached) return new ResearchFailure('offline');
  if (error.code === 'timeout') return new ResearchFailure(`${name} took too long`);
  if (error.code === 'unreachable') return new ResearchFailure(`${name} broke off its answer`);
  return new ResearchFailure(`${name} answered in a way that is not accepted (${error.code})`);
};

const statusFailure = (status: number, { name, setting }: Provider): ResearchFailure => {
  if (status === 401 || status === 403)
    return new ResearchFailure(`${name} refused the request (HTTP ${status}): check ${setting}`);
  if (status === 429) return new ResearchFailure(`${name} takes no more requests for now (HTTP 429)`);
  return new ResearchFailure(`${name} failed (HTTP ${status})`);
};

/**
 * A way to ask one provider. A refusal for too many requests is waited for once, when it asks for 5 s or less.
 * @param timeoutMs limit of one request
 */
export const createAsk = (provider: Provider, signal: AbortSignal, timeoutMs: number): Ask => {
  const endpoint = endpointOf(provider.baseUrl);
  const outgoing = trusting(endpoint.base);

  const send = async (request: VendorRequest): Promise<VendorAnswer> => {
    const query = request.query ? `?${new URLSearchParams(request.query).toString()}` : '';
    try {
      const response = await outgoing.fetch(`${endpoint.base}${request.path}${query}`, {
        headers: {
          accept: 'application/json',
          ...endpoint.headers,
          ...request.headers,
          ...(request.json ? { 'content-type': 'application/json' } : {}),
        },
        ...(request.json ? { method: 'POST', body: JSON.stringify(request.json) } : {}),
        signal,
        timeoutMs,
        maxBytes: MAX_ANSWER_BYTES,
      });
      const answer = { status: response.status, headers: response.headers, body: parseObject(response) };
      return { ...answer, status: provider.statusOf?.(answer) ?? answer.status };
    } catch (error) {
      throw networkFailure(error, provider);
    }
  };

  return async (request) => {
    let answer = await send(request);
    if (answer.status === 429) {
      const waitMs = provider.waitOf?.(answer) ?? retryAfterMs(answer.headers, Date.now());
      if (waitMs !== undefined && waitMs <= LONGEST_WAIT_MS) {
        await delay(waitMs, undefined, { signal });
        answer = await send(request);
      }
    }
    if (answer.status < 200 || answer.status > 299) throw statusFailure(answer.status, provider);
    if (answer.body === null)
      throw new ResearchFailure(`${provider.name} answered with something else than results`);
    return answer.body;
  };
};
