import { Agent, get } from 'node:http';
import type { PartHandle } from '../child.ts';

export interface LoadRequest {
  /** Asked for in turn. */
  readonly urls: readonly string[];
  readonly token: string | null;
  readonly connections: number;
  readonly ms: number;
}

const fetchOnce = (url: string, agent: Agent, headers: Record<string, string>): Promise<void> =>
  new Promise((resolve, reject) => {
    get(url, { agent, headers }, (res) => {
      if (res.statusCode !== 200) reject(new Error(`${url} answered ${res.statusCode}`));
      res.resume();
      res.once('end', resolve);
    }).once('error', reject);
  });

/** Sends as many requests as get answered, on connections that stay open. @returns how many a second. */
const fire = async ({ urls, token, connections, ms }: LoadRequest): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const beganAt = performance.now();
  let sent = 0;
  let answered = 0;
  const one = async (): Promise<void> => {
    while (performance.now() - beganAt < ms) {
      await fetchOnce(urls[sent++ % urls.length] ?? '', agent, headers);
      answered++;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  const seconds = (performance.now() - beganAt) / 1_000;
  agent.destroy();
  return answered / seconds;
};

/** The same generator for both sides, in a process of its own. */
export const openLoad = async (): Promise<PartHandle> => ({
  answer: (request) => fire(request as unknown as LoadRequest),
  close: async () => {},
});
