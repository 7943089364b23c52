/**
 * A receiver of webhooks on loopback that misbehaves in every way that receivers do. What it was sent is written down before
 * it misbehaves.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type Mood =
  | 'accept'
  /** 500. */
  | 'fail'
  /** No answer at all. */
  | 'hang'
  /** To an address that the guard forbids. */
  | 'redirect'
  /** The sender has given up by then. */
  | 'late'
  /** Takes the event, and breaks the connection off. */
  | 'lose'
  /** 410. */
  | 'gone'
  /** 429 with Retry-After. */
  | 'busy';

export interface Received {
  readonly id: string;
  readonly mood: Mood;
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into bodies of any shape
  readonly body: any;
  readonly at: number;
}

export interface ReceiverDouble {
  /** `http://127.0.0.1:port/hook`. */
  readonly url: string;
  /** All that came, the oldest first. */
  readonly received: readonly Received[];
  /** What came to the address that redirects lead to. */
  readonly strays: () => number;
  /** How it takes what comes next. */
  behave(mood: (call: { readonly body: { readonly type: string }; readonly n: number }) => Mood): void;
  close(): Promise<void>;
}

/** @param lateMs how late it answers when it is late; longer than its senders wait. */
export const startReceiverDouble = async (
  options: { lateMs?: number; retryAfterSeconds?: number } = {},
): Promise<ReceiverDouble> => {
  const { lateMs = 1_000, retryAfterSeconds = 1 } = options;
  const received: Received[] = [];
  let mood: (call: { body: { type: string }; n: number }) => Mood = () => 'accept';
  let strays = 0;
  const answers: Record<Mood, (response: ServerResponse) => void> = {
    accept: (response) => void response.writeHead(204).end(),
    fail: (response) => void response.writeHead(500).end('it broke '.repeat(500)),
    hang: () => {},
    redirect: (response) => void response.writeHead(307, { location: `http://10.0.0.1:80/private` }).end(),
    late: (response) => void setTimeout(() => response.writeHead(200).end('late'), lateMs).unref(),
    lose: (response) => void response.destroy(),
    gone: (response) => void response.writeHead(410).end('no longer here'),
    busy: (response) =>
      void response.writeHead(429, { 'retry-after': String(retryAfterSeconds) }).end('slow down'),
  };
  const server = createServer((request, response) => {
    if (request.url !== '/hook') strays += 1;
    void text(request).then((raw) => {
      const body = JSON.parse(raw) as { type: string };
      const chosen = mood({ body, n: received.length });
      const { headers } = request;
      received.push({ id: String(headers['webhook-id']), mood: chosen, headers, raw, body, at: Date.now() });
      answers[chosen](response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    strays: () => strays,
    behave: (next) => void (mood = next),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
