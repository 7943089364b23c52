/**
 * A model vendor on loopback that speaks Anthropic's Messages, OpenAI's chat completions, Google's generateContent and
 * Ollama's chat as they are on the wire, and tells of its models as the first three do.
 * In a test: `startModelDouble()`. As a process: `node test/doubles/model-double.ts --port 0 --min-ms 50 --max-ms 1000
 * --log FILE` (prints its address; one JSON line per finished call goes to FILE, written synchronously).
 */
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { googleWire } from './google-wire.ts';
import { modelAnswer } from './model-answer.ts';
import { anthropicWire, openAiWire } from './model-wire.ts';
import { ollamaWire } from './ollama-wire.ts';
import { tokensOf, type RequestBody, type Wire } from './wire.ts';

const WIRES: readonly Wire[] = [anthropicWire, openAiWire, googleWire, ollamaWire];

interface Tokens {
  input: number;
  output: number;
}

/** What the double does with one call; the default is `text` with a deterministic answer to the prompt. */
export type DoubleAnswer =
  | {
      kind: 'text';
      text: string;
      finish?: 'stop' | 'length';
      cachedTokens?: number;
      /** Tokens that the bill names, instead of those that follow from the texts. */
      billed?: Tokens;
    }
  | {
      kind: 'status';
      status: number;
      message: string;
      code?: string;
      headers?: Record<string, string>;
      /** The whole body, instead of the vendor's usual one. */
      body?: object;
    }
  /** A call of a tool after a little text. */
  | { kind: 'tool'; text: string; name: string; input: object }
  /** 200, and then bytes that are no stream of this vendor. */
  | { kind: 'garbage'; bytes: Uint8Array }
  /** Takes the request and says nothing, not even a status. */
  | { kind: 'silence' }
  /** Half the text, then the socket is destroyed, or the body ends as if all had been said. */
  | { kind: 'cut'; text: string; how: 'socket' | 'clean-end' }
  /** The first piece, then silence until the client leaves. */
  | { kind: 'hang'; text: string }
  /** The first piece, then the vendor's error event inside the stream. */
  | { kind: 'error-event'; text: string; type: string; message: string };

export interface DoubleCall {
  at: string;
  id: number;
  wire: Wire['name'];
  /** SHA-256 of the system text and all message texts, joined by line breaks. */
  promptSha256: string;
  prompt: string;
  path: string;
  body: RequestBody;
  authorization: string | undefined;
  traceparent: string | undefined;
  status: 'open' | 'answered' | 'aborted';
  latency_ms: number;
  /** What the vendor bills, also for an answer that nobody read to its end. */
  billed: Tokens;
}

export interface ModelDouble {
  /** `http://127.0.0.1:port`, as ANTHROPIC_BASE_URL takes it; OPENAI_BASE_URL takes it with `/v1`. */
  url: string;
  calls: readonly DoubleCall[];
  /** What the lists of models answer with, by their paths, such as `/v1/models`; nothing there: 404. */
  lists: Record<string, { status?: number; body: object }>;
  /** Programs the answer to the next call; answers queue up. */
  next(answer: DoubleAnswer): void;
  /** Resolves once `test` holds of some call, at once if it already does. */
  seen(test: (call: DoubleCall) => boolean): Promise<DoubleCall>;
  close(): Promise<void>;
}

export interface ModelDoubleOptions {
  port?: number;
  /** The answer takes between these milliseconds, chosen by the prompt's digest. */
  minMs?: number;
  maxMs?: number;
  logFile?: string;
  /** What the double does with calls for which nothing was programmed. */
  answer?: (call: DoubleCall) => DoubleAnswer | undefined;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Pieces of a text that concatenate to it, a few words each. */
const piecesOf = (text: string): string[] => text.match(/(?:\S+\s*){1,4}/g) ?? [];

const readBody = async (request: IncomingMessage): Promise<RequestBody> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text) as RequestBody;
};

const sendJson = (response: ServerResponse, status: number, body: object, headers = {}): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body));

/** Streams one answer; a call that is cut, hangs or fails midway stops after the first half of its text. */
const stream = async (
  wire: Wire,
  response: ServerResponse,
  call: DoubleCall,
  answer: Exclude<DoubleAnswer, { kind: 'status' | 'garbage' | 'silence' }>,
  latencyMs: number,
): Promise<void> => {
  const pieces = piecesOf(answer.text);
  const sent =
    answer.kind === 'text' || answer.kind === 'tool'
      ? pieces
      : pieces.slice(0, Math.max(1, Math.floor(pieces.length / 2)));
  const pauseMs = latencyMs / (sent.length + 1);
  const cachedTokens = answer.kind === 'text' ? (answer.cachedTokens ?? 0) : 0;
  const left = new AbortController();
  response.once('close', () => left.abort());
  const pause = () => (pauseMs > 0 ? delay(pauseMs, undefined, { signal: left.signal }) : undefined);
  response.writeHead(200, { 'content-type': wire.contentType, 'cache-control': 'no-cache' });
  call.billed.input = tokensOf(call.prompt);
  response.write(wire.begin(call.id, call.body, call.prompt, cachedTokens));
  for (const piece of sent) {
    await pause();
    call.billed.output += tokensOf(piece);
    response.write(wire.piece(call.id, call.body, piece));
  }
  if (answer.kind === 'hang') return;
  await pause();
  if (answer.kind === 'text') {
    call.billed = answer.billed ?? { input: tokensOf(call.prompt), output: tokensOf(answer.text) };
    const [prompt, text] = [call.billed.input, call.billed.output].map((tokens) => 'x'.repeat(4 * tokens));
    const finish = answer.finish ?? 'stop';
    response.end(wire.end(call.id, call.body, prompt ?? '', text ?? '', finish, cachedTokens));
  } else if (answer.kind === 'tool') response.end(wire.tool(call.id, call.body, call.prompt, answer));
  else if (answer.kind === 'error-event') response.end(wire.errorEvent(answer.type, answer.message));
  else if (answer.how === 'clean-end') response.end();
  else setImmediate(() => response.destroy());
};

const reply = async (
  wire: Wire,
  response: ServerResponse,
  call: DoubleCall,
  answer: DoubleAnswer,
  latencyMs: number,
): Promise<void> => {
  if (answer.kind === 'status')
    return sendJson(
      response,
      answer.status,
      answer.body ?? wire.error(answer.status, answer.message, answer.code),
      answer.headers,
    );
  if (answer.kind === 'silence') return;
  if (answer.kind === 'garbage')
    return void response.writeHead(200, { 'content-type': wire.contentType }).end(answer.bytes);
  if (wire.streams(call.body, call.path)) return stream(wire, response, call, answer, latencyMs);
  if (latencyMs > 0) await delay(latencyMs);
  return sendJson(response, 200, wire.whole(call.id, call.body, call.prompt, answer.text));
};

/**
 * Starts the double on 127.0.0.1.
 * @returns its address, the log of its calls, and the way to program it
 */
export const startModelDouble = async (options: ModelDoubleOptions = {}): Promise<ModelDouble> => {
  const { port = 0, minMs = 0, maxMs = minMs, logFile, answer: programmed } = options;
  const calls: DoubleCall[] = [];
  const answers: DoubleAnswer[] = [];
  const lists: ModelDouble['lists'] = {};
  const waiting = new Set<() => void>();
  const changed = (): void => waiting.forEach((check) => check());

  const open = (
    wire: Wire,
    path: string,
    body: RequestBody,
    headers: IncomingMessage['headers'],
  ): DoubleCall => {
    const prompt = wire.prompt(body);
    const key = headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers.authorization;
    const call: DoubleCall = {
      at: new Date().toISOString(),
      id: calls.length + 1,
      wire: wire.name,
      promptSha256: sha256(prompt),
      prompt,
      path,
      body,
      authorization: Array.isArray(key) ? key.join() : key,
      traceparent: headers['traceparent']?.toString(),
      status: 'open',
      latency_ms: 0,
      billed: { input: 0, output: 0 },
    };
    calls.push(call);
    return call;
  };

  const settle = (call: DoubleCall, status: 'answered' | 'aborted', startedMs: number): void => {
    call.status = status;
    call.latency_ms = Math.round(performance.now() - startedMs);
    const { at, id, promptSha256, latency_ms } = call;
    if (logFile) appendFileSync(logFile, `${JSON.stringify({ at, id, promptSha256, status, latency_ms })}\n`);
    changed();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    const list = lists[path.replace(/\?.*$/, '')];
    if (list && request.method === 'GET') return sendJson(response, list.status ?? 200, list.body);
    const wire = WIRES.find((one) => one.owns(path));
    if (!wire) return sendJson(response, 404, {});
    const startedMs = performance.now();
    const call = open(wire, path, await readBody(request), request.headers);
    response.once('close', () => settle(call, response.writableFinished ? 'answered' : 'aborted', startedMs));
    changed();
    const answer = answers.shift() ??
      programmed?.(call) ?? { kind: 'text' as const, text: modelAnswer(call.prompt, call.body) };
    const latencyMs = minMs + (Number.parseInt(call.promptSha256.slice(0, 8), 16) % (maxMs - minMs + 1));
    await reply(wire, response, call, answer, latencyMs);
  };

  // A client that left makes the pending pause reject: the `close` handler has already booked the call.
  const server = createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  server.listen(port, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    lists,
    next: (answer) => void answers.push(answer),
    seen: (test) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = calls.find(test);
          if (!found) return;
          waiting.delete(check);
          resolve(found);
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

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      'min-ms': { type: 'string', default: '0' },
      'max-ms': { type: 'string' },
      log: { type: 'string' },
    },
  });
  const double = await startModelDouble({
    port: Number(values.port),
    minMs: Number(values['min-ms']),
    maxMs: Number(values['max-ms'] ?? values['min-ms']),
    ...(values.log === undefined ? {} : { logFile: values.log }),
  });
  process.stdout.write(`listening on ${double.url}\n`);
}
