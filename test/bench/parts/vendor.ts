import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { scriptedAnswer } from '../../../activities/models/providers/scripted.ts';
import { openAiWire } from '../../doubles/model-wire.ts';
import type { RequestBody } from '../../doubles/wire.ts';
import type { PartHandle } from '../child.ts';
import { wallClock } from '../stats.ts';

/** How the next texts are streamed: so many of them at this rate, the others at once. */
export interface Pace {
  readonly streams: number;
  readonly tokens: number;
  readonly perSecond: number;
}

/** When each token was sent, by the token itself: no two are the same. */
export type Sent = Record<string, number>;

const TOKENS_PER_SENTENCE = 10;

const tokenOf = (call: number, n: number): string =>
  `c${call}t${n}${n % TOKENS_PER_SENTENCE === TOKENS_PER_SENTENCE - 1 ? '.' : ''}`;

const readBody = async (request: IncomingMessage): Promise<RequestBody> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text) as RequestBody;
};

/** A vendor's server that speaks OpenAI's protocol and streams texts of known tokens at a fixed rate. */
export const openVendor = async (): Promise<PartHandle> => {
  let pace: Pace = { streams: 0, tokens: 0, perSecond: 1 };
  let sent: Sent = {};
  let left = 0;
  let calls = 0;

  /** Each token has its time from the start on: one that was sent late makes none of the others late. */
  const stream = async (
    response: ServerResponse,
    call: number,
    body: RequestBody,
    { tokens, perSecond }: Pace,
  ): Promise<string> => {
    const beganAt = wallClock();
    let text = '';
    for (let n = 0; n < tokens; n++) {
      const waitMs = beganAt + (n * 1_000) / perSecond - wallClock();
      if (waitMs > 0) await delay(waitMs);
      const token = tokenOf(call, n);
      const piece = n === tokens - 1 ? token : `${token} `;
      sent[token] = wallClock();
      response.write(openAiWire.piece(call, body, piece));
      text += piece;
    }
    return text;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request);
    const prompt = openAiWire.prompt(body);
    const call = ++calls;
    // Headings are asked for in other words, and come at once.
    const isPaced = prompt.includes('Explain') && left-- > 0;
    response.writeHead(200, { 'content-type': openAiWire.contentType });
    response.write(openAiWire.begin(call, body, prompt, 0));
    let text = scriptedAnswer(prompt);
    if (isPaced) text = await stream(response, call, body, pace);
    else response.write(openAiWire.piece(call, body, text));
    response.end(openAiWire.end(call, body, prompt, text, 'stop', 0));
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    answer: ({ what, ...settings }) => {
      if (what === 'url') return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
      if (what === 'sent') return sent;
      pace = settings as unknown as Pace;
      left = pace.streams;
      sent = {};
      return null;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
