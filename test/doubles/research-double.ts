/** A search vendor on loopback, in the wire format of one of four, and pages behind its results. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { researchWires, type DoubleResult, type ResearchWire } from './research-wire.ts';

/** What the double does with one search, instead of answering with its results. */
export type ResearchAnswer =
  | { kind: 'unauthorized' }
  | { kind: 'too many'; headers?: Record<string, string> }
  | { kind: 'status'; status: number; body?: object; headers?: Record<string, string> }
  | { kind: 'text'; text: string }
  /** The beginning of an answer, then the socket is destroyed. */
  | { kind: 'cut' }
  /** Nothing until the client leaves. */
  | { kind: 'hang' };

export interface ResearchCall {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Resolves when the client has its answer or has left. */
  readonly closed: Promise<void>;
}

export type PageAnswer = (request: IncomingMessage, response: ServerResponse) => void;

export interface ResearchDouble {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly searches: readonly ResearchCall[];
  /** Paths of pages that were asked for. */
  readonly pagesRead: readonly string[];
  /** What searches find from now on. */
  find(results: readonly DoubleResult[]): void;
  /** Programs the answer to the next search; answers queue up. */
  next(answer: ResearchAnswer): void;
  /** Serves a page. @returns its address. */
  page(path: string, answer: PageAnswer | string): string;
  /** Resolves once that many searches have come. */
  searched(count: number): Promise<ResearchCall>;
  close(): Promise<void>;
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

const sendJson = (response: ServerResponse, status: number, body: object, headers = {}): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body));

const reply = (
  wire: ResearchWire,
  response: ServerResponse,
  answer: Exclude<ResearchAnswer, { kind: 'hang' }>,
): void => {
  if (answer.kind === 'unauthorized')
    return sendJson(response, wire.unauthorized.status, wire.unauthorized.body);
  if (answer.kind === 'too many')
    return sendJson(response, wire.tooMany.status, wire.tooMany.body, answer.headers);
  if (answer.kind === 'status') return sendJson(response, answer.status, answer.body ?? {}, answer.headers);
  if (answer.kind === 'text')
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(answer.text);
  response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    .write('{"results":[');
  return void setImmediate(() => response.destroy());
};

/** Starts the double on 127.0.0.1. */
export const startResearchDouble = async (vendor: keyof typeof researchWires): Promise<ResearchDouble> => {
  const wire: ResearchWire = researchWires[vendor];
  const searches: ResearchCall[] = [];
  const pagesRead: string[] = [];
  const pages = new Map<string, PageAnswer>();
  const answers: ResearchAnswer[] = [];
  const waiting = new Set<() => void>();
  let results: readonly DoubleResult[] = [];

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://double');
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    if (!wire.matches(request.method ?? '', url)) {
      pagesRead.push(url.pathname);
      const page = pages.get(url.pathname);
      return page ? page(request, response) : void response.writeHead(404).end('<p>Not found.</p>');
    }
    const body = await readBody(request);
    searches.push({ method: request.method ?? '', url, headers: request.headers, body, closed });
    for (const check of waiting) check();
    const answer = answers.shift();
    if (!answer) return sendJson(response, 200, wire.results(results, url));
    return answer.kind === 'hang' ? undefined : reply(wire, response, answer);
  };

  const server = createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    searches,
    pagesRead,
    find: (found) => void (results = found),
    next: (answer) => void answers.push(answer),
    page: (path, answer) => {
      const html =
        (text: string): PageAnswer =>
        (_request, response) =>
          void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(text);
      pages.set(path, typeof answer === 'string' ? html(answer) : answer);
      return `${url}${path}`;
    },
    searched: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          const call = searches[count - 1];
          if (!call) return;
          waiting.delete(check);
          resolve(call);
        };
        waiting.add(check);
        check();
      }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
