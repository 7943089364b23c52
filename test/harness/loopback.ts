import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Server } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const opened: Server[] = [];

/** Lets a server listen on a free port of 127.0.0.1 until {@link closeAll}. @returns host:port. */
export const listenOnLoopback = async (server: Server): Promise<string> => {
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** An HTTP server on loopback. @returns its host:port, and the requests that reached it. */
export const serve = async (answer: Answer): Promise<{ at: string; seen: IncomingMessage[] }> => {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  return { at: await listenOnLoopback(server), seen };
};

/** Closes all of them, whoever is still connected. For `afterEach`. */
export const closeAll = async (): Promise<void> => {
  for (const server of opened.splice(0)) {
    if ('closeAllConnections' in server) (server as ReturnType<typeof createServer>).closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
};
