import pg from 'pg';
import { WebSocket } from 'ws';
import type { PartHandle } from '../child.ts';
import { wallClock } from '../stats.ts';

export interface WatcherSettings {
  readonly apiUrl: string;
  readonly token: string;
  readonly stream: string;
  readonly floorUrl: string;
}

/** When the event or row number `n` arrived, by the way it came. */
export interface Arrivals {
  readonly stream: Record<number, number>;
  readonly feed: Record<number, number>;
  readonly floor: Record<number, number>;
}

interface Frame {
  readonly type: string;
  readonly stream?: string;
  readonly data?: { readonly n?: number };
}

const openSocket = (
  { apiUrl, token }: WatcherSettings,
  subscribe: object,
  seen: Record<number, number>,
): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${apiUrl.replace('http', 'ws')}/ws?token=${token}`);
    socket.once('error', reject);
    socket.once('close', (code, reason) =>
      reject(new Error(`the socket was closed: ${code} ${reason.toString()}`)),
    );
    socket.on('message', (data: Buffer) => {
      const at = wallClock();
      const frame = JSON.parse(data.toString()) as Frame;
      if (frame.type === 'ready') socket.send(JSON.stringify({ type: 'subscribe', ...subscribe }));
      else if (frame.type === 'subscribed') resolve(socket);
      else if (frame.data?.n !== undefined) seen[frame.data.n] ??= at;
    });
  });

/** Two WebSocket clients (the run's stream, the workspace's feed) and a bare LISTEN client, on the same event loop. */
export const openWatcher = async (settings: WatcherSettings): Promise<PartHandle> => {
  const arrivals: Arrivals = { stream: {}, feed: {}, floor: {} };
  const sockets = await Promise.all([
    openSocket(settings, { streams: { [settings.stream]: 0 } }, arrivals.stream),
    openSocket(settings, { feed: 'workspace' }, arrivals.feed),
  ]);
  const listener = new pg.Client({ connectionString: settings.floorUrl });
  await listener.connect();
  listener.on('notification', ({ payload }) => (arrivals.floor[Number(payload)] = wallClock()));
  await listener.query('listen floor');
  return {
    answer: () => arrivals,
    close: async () => {
      for (const socket of sockets) socket.terminate();
      await listener.end();
    },
  };
};
