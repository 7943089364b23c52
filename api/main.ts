import { createServer, type Server } from 'node:http';
import { runProcess } from '../platform/process.ts';
import { createApp } from './app.ts';
import { createApiContext } from './context.ts';
import { answerUnreadable } from './http/unreadable.ts';
import { warmUp } from './http/warm.ts';
import { attachSockets } from './live/server.ts';

/** @throws Error that names the setting to change when the port is taken. */
const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`port ${port} is taken: set TASKLOOM_PORT to another one`)
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });

await runProcess('api', async (parts) => {
  const { config, log, shutdown } = parts;
  const context = await createApiContext(parts);
  const { app, operations } = createApp(context);
  const server = createServer(app);
  answerUnreadable(server);
  const { store } = context.handlers;
  const sockets = attachSockets(server, {
    store,
    live: context.live,
    sessions: context.sessions,
    limits: context.limits,
  });
  shutdown.add('http', async () => {
    sockets.close();
    server.closeIdleConnections();
    // Streams have no end of their own.
    setTimeout(() => server.closeAllConnections(), 1_000).unref();
    await new Promise((resolve) => server.close(resolve));
  });
  await listen(server, config.http.port, config.http.host);
  log.info({ url: config.http.publicUrl }, 'listening');
  void warmUp(app, operations).then(() => log.debug('validators are compiled'));
});
