import { request } from 'node:http';
import { WebSocket } from 'ws';
import type { PartHandle } from '../child.ts';
import { wallClock } from '../stats.ts';

export interface ReaderSettings {
  readonly apiUrl: string;
  readonly token: string;
  readonly vendorUrl: string;
}

/** What a client has of the texts that were streamed to it. */
export interface Received {
  /** When each token had arrived, by the token itself. */
  readonly at: Record<string, number>;
  /** Each text as it stands, by the step that writes it. */
  readonly texts: Record<string, string>;
  /** Gaps that were announced. */
  readonly resets: number;
}

interface Frame {
  readonly type: string;
  readonly data?: { readonly step?: string; readonly text?: string };
}

/** Collects pieces of texts, and notes when each token was there. */
const collector = () => {
  const at: Record<string, number> = {};
  const texts: Record<string, string> = {};
  let resets = 0;
  return {
    piece: (step: string, text: string, arrivedAt: number): void => {
      const before = texts[step] ?? '';
      // A piece may end inside a token, which then ends with the next one.
      const open = /\S*$/.exec(before)?.[0] ?? '';
      texts[step] = before + text;
      for (const token of (open + text).match(/\S+/g) ?? []) at[token] ??= arrivedAt;
    },
    reset: (step: string): void => {
      texts[step] = '';
      resets++;
    },
    received: (): Received => ({ at, texts, resets }),
  };
};

/** Follows a run over the API's WebSocket. */
const follow = async ({ apiUrl, token }: ReaderSettings, stream: string) => {
  const { piece, reset, received } = collector();
  const socket = new WebSocket(`${apiUrl.replace('http', 'ws')}/ws?token=${token}`);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('message', (message: Buffer) => {
      const arrivedAt = wallClock();
      const { type, data } = JSON.parse(message.toString()) as Frame;
      const step = data?.step ?? '';
      if (type === 'ready') socket.send(JSON.stringify({ type: 'subscribe', streams: { [stream]: 0 } }));
      else if (type === 'subscribed') resolve();
      else if (type === 'delta') piece(step, data?.text ?? '', arrivedAt);
      else if (type === 'delta_reset') reset(step);
    });
  });
  return { received, close: () => socket.terminate() };
};

/** Reads so many streams of the vendor's at once, with nothing in between. */
const readBare = async ({ vendorUrl }: ReaderSettings, streams: number): Promise<Received> => {
  const { piece, received } = collector();
  const read = (n: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const call = request(`${vendorUrl}/chat/completions`, { method: 'POST', headers }, (response) => {
        let rest = '';
        response.setEncoding('utf8').on('data', (data: string) => {
          const arrivedAt = wallClock();
          const lines = (rest + data).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines.filter((each) => each.startsWith('data: {'))) {
            const chunk = JSON.parse(line.slice('data: '.length)) as {
              choices: { delta: { content?: string } }[];
            };
            const text = chunk.choices[0]?.delta.content;
            if (text) piece(String(n), text, arrivedAt);
          }
        });
        response.once('end', resolve);
      });
      call.once('error', reject);
      const messages = [{ role: 'user', content: 'Explain' }];
      call.end(JSON.stringify({ model: 'bare', stream: true, messages }));
    });
  await Promise.all(Array.from({ length: streams }, (_, n) => read(n)));
  return received();
};

/** A WebSocket client of ours, and a bare client of the vendor's server, on the same event loop. */
export const openReader = async (settings: ReaderSettings): Promise<PartHandle> => {
  let following: Awaited<ReturnType<typeof follow>> | undefined;
  return {
    answer: async ({ what, stream, streams }) => {
      if (what === 'bare') return readBare(settings, Number(streams));
      if (what === 'received') return following?.received();
      following?.close();
      following = await follow(settings, String(stream));
      return null;
    },
    close: async () => following?.close(),
  };
};
