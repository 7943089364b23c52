/** Vendors of images on loopback: OpenAI's `/v1/images/generations` and Gemini's `generateContent`, as they are on the wire. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';

/** What the double does with one call; the default is one small PNG for each image asked for. */
export type ImageAnswer =
  | { kind: 'images'; images: readonly Uint8Array[] }
  | { kind: 'status'; status: number; message: string; headers?: Record<string, string> }
  /** OpenAI: an empty list. Gemini: a finish for safety. */
  | { kind: 'nothing' }
  | { kind: 'garbled' }
  /** Silence until the client leaves. */
  | { kind: 'hang' };

export interface ImageCall {
  readonly wire: 'openai' | 'gemini';
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly credentials: string | undefined;
  readonly traceparent: string | undefined;
  status: 'open' | 'answered' | 'aborted';
}

export interface ImageDouble {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  readonly calls: readonly ImageCall[];
  /** Programs the answer to the next call; answers queue up. */
  next(answer: ImageAnswer): void;
  close(): Promise<void>;
}

/** A PNG of one red pixel. */
export const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);

const send = (response: ServerResponse, status: number, body: object, headers = {}): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body));

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const openAiBody = (images: readonly Uint8Array[]): object => ({
  created: 1_700_000_000,
  data: images.map((bytes) => ({ b64_json: base64(bytes) })),
  usage: { input_tokens: 12, output_tokens: 1056, total_tokens: 1068 },
});

const geminiBody = (images: readonly Uint8Array[]): object => ({
  candidates: [
    {
      content: {
        role: 'model',
        parts: images.map((bytes) => ({ inlineData: { mimeType: 'image/png', data: base64(bytes) } })),
      },
      finishReason: images.length === 0 ? 'IMAGE_SAFETY' : 'STOP',
      index: 0,
    },
  ],
  usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 1290, totalTokenCount: 1302 },
});

const GEMINI_STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
};

const errorBody = (wire: ImageCall['wire'], status: number, message: string): object =>
  wire === 'openai'
    ? { error: { message, type: 'image_generation_error', param: null, code: null } }
    : { error: { code: status, message, status: GEMINI_STATUS[status] ?? 'INTERNAL' } };

const answerTo = (call: ImageCall, answer: ImageAnswer, response: ServerResponse): void => {
  const body = call.wire === 'openai' ? openAiBody : geminiBody;
  if (answer.kind === 'hang') return;
  if (answer.kind === 'status')
    return send(response, answer.status, errorBody(call.wire, answer.status, answer.message), answer.headers);
  if (answer.kind === 'garbled')
    return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"data": [');
  send(response, 200, body(answer.kind === 'images' ? answer.images : []));
};

/** Starts the double on 127.0.0.1. */
export const startImageDouble = async (): Promise<ImageDouble> => {
  const calls: ImageCall[] = [];
  const answers: ImageAnswer[] = [];

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    const wire = path === '/v1/images/generations' ? 'openai' : 'gemini';
    if (wire === 'gemini' && !/^\/v1beta\/models\/[^/]+:generateContent$/.test(path))
      return send(response, 404, {});
    const body = (await readJson(request)) as Record<string, unknown>;
    const credentials = request.headers.authorization ?? request.headers['x-goog-api-key'];
    const call: ImageCall = {
      wire,
      path,
      body,
      credentials: credentials?.toString(),
      traceparent: request.headers['traceparent']?.toString(),
      status: 'open',
    };
    calls.push(call);
    response.once('close', () => (call.status = response.writableFinished ? 'answered' : 'aborted'));
    const count = typeof body['n'] === 'number' ? body['n'] : 1;
    answerTo(
      call,
      answers.shift() ?? { kind: 'images', images: Array.from({ length: count }, () => PIXEL) },
      response,
    );
  };
  const server = createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    next: (answer) => void answers.push(answer),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
