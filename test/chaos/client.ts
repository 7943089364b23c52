import { randomUUID } from 'node:crypto';
import { wait } from '../../scripts/services/processes.ts';
import { ADMIN } from './world.ts';

const TIMEOUT_MS = 30_000;
const RETRY_MS = 150;

/** An answer that no client should get, whatever died: neither success nor 503. */
export interface Oddity {
  readonly at: number;
  readonly request: string;
  readonly what: string;
}

export interface ChaosClient {
  get<Body>(path: string): Promise<Body>;
  /** One effect, however often it has to be sent: the same Idempotency-Key each time. */
  post<Body>(path: string, body: object): Promise<Body>;
  readonly oddities: readonly Oddity[];
  /** How often a request was sent again, by reason. */
  readonly retries: Readonly<Record<'connection' | '503' | 'odd', number>>;
  stop(): void;
}

export class Stopped extends Error {
  override readonly name = 'Stopped';
}

interface Sent {
  readonly status: number;
  readonly text: string;
}

/** A client as a careful person writes one: it repeats what failed in transit and what was answered with 503. */
export const createClient = (url: string): ChaosClient => {
  let token: string | undefined;
  let stopped = false;
  const oddities: Oddity[] = [];
  const retries = { connection: 0, '503': 0, odd: 0 };

  const send = async (method: string, path: string, key?: string, body?: object): Promise<Sent | null> => {
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(key ? { 'idempotency-key': key } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      if ((error as Error).name === 'TimeoutError')
        oddities.push({
          at: Date.now(),
          request: `${method} ${path}`,
          what: `no answer within ${TIMEOUT_MS} ms`,
        });
      return null;
    }
  };

  const signIn = async (): Promise<void> => {
    token = undefined;
    const { access_token } = await request<{ access_token: string }>('POST', '/auth/login', undefined, ADMIN);
    token = access_token;
  };

  const request = async <Body>(method: string, path: string, key?: string, body?: object): Promise<Body> => {
    for (;;) {
      if (stopped) throw new Stopped();
      if (token === undefined && path !== '/auth/login') await signIn();
      const sent = await send(method, path, key, body);
      if (sent && sent.status >= 200 && sent.status < 300) return JSON.parse(sent.text) as Body;
      if (sent === null) retries.connection++;
      else if (sent.status === 503) retries['503']++;
      else {
        retries.odd++;
        oddities.push({
          at: Date.now(),
          request: `${method} ${path}`,
          what: `${sent.status} ${sent.text.slice(0, 300)}`,
        });
        if (sent.status === 401) token = undefined;
        else if (sent.status < 500)
          throw new Error(`${method} ${path}: ${sent.status} ${sent.text.slice(0, 300)}`);
      }
      await wait(RETRY_MS);
    }
  };

  return {
    get: (path) => request('GET', path),
    post: (path, body) => request('POST', path, randomUUID(), body),
    oddities,
    retries,
    stop: () => void (stopped = true),
  };
};
