import { createServer } from 'node:http';
import { loadConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { Shutdown } from '../platform/shutdown.ts';
import { createApp } from './app.ts';
import { createApiContext } from './context.ts';
import { warmUp } from './http/warm.ts';
import { attachSockets } from './live/server.ts';

const config = loadConfig();
const log = createLogger('api', config.logLevel);
const shutdown = new Shutdown(log);
shutdown.onSignals();

const context = await createApiContext(config, log, shutdown);
const { app, operations } = createApp(context);
const server = createServer(app);
const sockets = attachSockets(server, {
  store: context.handlers.store,
  live: context.live,
  sessions: context.sessions,
});
shutdown.add('http', async () => {
  sockets.close();
  server.closeIdleConnections();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    // Streams have no end of their own.
    setTimeout(() => server.closeAllConnections(), 1_000).unref();
  });
});

server.once('error', (error: NodeJS.ErrnoException) => {
  const reason =
    error.code === 'EADDRINUSE'
      ? `port ${config.http.port} is taken: set TASKLOOM_PORT to another one`
      : error.message;
  log.fatal({ err: error }, reason);
  process.exit(1);
});
server.listen(config.http.port, config.http.host, () => {
  log.info({ url: config.http.publicUrl }, 'ready');
  process.send?.({ ready: true });
  void warmUp(app, operations).then(() => log.debug('validators are compiled'));
});
