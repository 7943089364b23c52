import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';
import { acceptKeyHeader } from '../auth/api-keys.ts';
import type { RateLimited } from '../../domain/errors.ts';
import { CLOSE } from './protocol.ts';
import { Socket, type SocketDeps } from './socket.ts';

const MAX_FRAME_BYTES = 64 * 1024;

const tooManyRequests = ({ retryAfterSeconds }: RateLimited): string =>
  `HTTP/1.1 429 Too Many Requests\r\nRetry-After: ${retryAfterSeconds}\r\nConnection: close\r\n\r\n`;

/** Serves `/ws` on the API's own port. @returns a way to tell all clients that this process goes away. */
export const attachSockets = (server: Server, deps: SocketDeps): { close(): void; count(): number } => {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });
  server.on('upgrade', (req, socket, head) => {
    const url = new URL(req.url ?? '/', 'http://localhost');
    if (url.pathname.replace(/\/+$/, '') !== '/ws') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    acceptKeyHeader(req.headers);
    const header = req.headers.authorization?.replace(/^Bearer /i, '');
    // Until it is upgraded, nobody else listens to it.
    socket.on('error', () => socket.destroy());
    void deps.limits.admit(req).then((refused) => {
      if (refused) {
        socket.end(tooManyRequests(refused));
        return;
      }
      sockets.handleUpgrade(
        req,
        socket,
        head,
        (client) => new Socket(client, deps, req, url.searchParams.get('token') ?? header),
      );
    });
  });
  return {
    count: () => sockets.clients.size,
    close: () => {
      for (const client of sockets.clients)
        client.close(CLOSE.goingAway, 'the server restarts: connect again');
      sockets.close();
    },
  };
};
