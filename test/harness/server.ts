import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApp } from '../../api/app.ts';
import { hashPassword } from '../../api/auth/passwords.ts';
import { createApiContext } from '../../api/context.ts';
import type { SpecOperation } from '../../api/http/spec.ts';
import { answerUnreadable } from '../../api/http/unreadable.ts';
import { attachSockets } from '../../api/live/server.ts';
import { createCancellations } from '../../activities/runs/cancellations.ts';
import { openVendors } from '../../activities/vendors.ts';
import { toConfig, type Config } from '../../platform/config.ts';
import { createCrashPoints } from '../../platform/crash-points.ts';
import { readEnv, type Env } from '../../platform/env.ts';
import { createLogger } from '../../platform/logger.ts';
import { openTemporalClient } from '../../platform/temporal/connect.ts';
import { createWebhookSender } from '../../platform/webhook-sender.ts';
import { Shutdown } from '../../platform/shutdown.ts';
import { findFreePort } from '../../scripts/services/ports.ts';
import { startNodeChild } from '../../scripts/services/node-child.ts';
import { addPerson } from '../../store/setup/people.ts';
import { LiveBus } from '../../store/live/bus.ts';
import { openStore } from '../../store/store.ts';
import { openSystemStore, type SystemStore } from '../../store/system.ts';
import { startWebhookWaker } from '../../worker/webhooks.ts';
import { forwardSdkLogs, startWorkers } from '../../worker/workers.ts';
import { childEnv } from './child-env.ts';
import { ApiClient } from './client.ts';
import { cloneTemplate } from './template.ts';

const PASSWORD = 'correct horse battery staple';
/** Hashing takes a noticeable while on purpose: once is enough for all test people. */
const passwordHash = hashPassword(PASSWORD);

export interface TestServer {
  readonly url: string;
  readonly config: Config;
  readonly operations: readonly SpecOperation[];
  /** The database across workspaces, to look behind the API. */
  readonly system: SystemStore;
  /** Signs in a person, who is made if needed. */
  signIn(options?: { email?: string; role?: string; workspace?: string }): Promise<ApiClient>;
  /** Starts a worker in this process, for some queues only where they are named. @returns how to stop it. */
  startWorker(queues?: string[]): Promise<() => Promise<void>>;
  /** Starts a second API process, on another port and the same database. */
  another(): Promise<{ url: string; close: () => Promise<void> }>;
  close(): Promise<void>;
}

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const startApi = async (
  config: Config,
): Promise<{ url: string; operations: SpecOperation[]; close: () => Promise<void> }> => {
  const log = createLogger('test-api', config.logLevel);
  const shutdown = new Shutdown(log);
  const context = await createApiContext({ config, log, shutdown });
  const { app, operations } = createApp(context);
  const server = createServer(app);
  answerUnreadable(server);
  const sockets = attachSockets(server, {
    store: context.handlers.store,
    live: context.live,
    sessions: context.sessions,
    limits: context.limits,
  });
  const url = await listen(server);
  shutdown.add('http', async () => {
    sockets.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url, operations, close: () => shutdown.run() };
};

/** A process of its own, as `npm run api` starts it. */
const startApiProcess = async (config: Config): Promise<{ url: string; close: () => Promise<void> }> => {
  const port = await findFreePort();
  const child = await startNodeChild({
    name: 'second API',
    script: fileURLToPath(new URL('../../api/main.ts', import.meta.url)),
    cwd: process.cwd(),
    env: {
      ...childEnv(config),
      TASKLOOM_PORT: String(port),
    },
    onLine: () => {},
  });
  return { url: `http://127.0.0.1:${port}`, close: () => child.stop() };
};

let sdkLogsForwarded = false;

const startWorker = async (
  config: Config,
  system: SystemStore,
  queues: string[] | null,
): Promise<() => Promise<void>> => {
  const log = createLogger('test-worker', config.logLevel);
  if (!sdkLogsForwarded) forwardSdkLogs(log);
  sdkLogsForwarded = true;
  const store = await openStore(config.database.app ?? '', { name: 'test-worker' });
  const bus = new LiveBus(config.database.app ?? '');
  await bus.open();
  const cancellations = createCancellations((listener) => bus.on('taskloom_cancelled', listener));
  const { vendors, close } = openVendors(config, log);
  const client = openTemporalClient();
  const waker = startWebhookWaker({ system, store, client, bus, log, publicUrl: config.http.publicUrl });
  const workers = await startWorkers({
    deps: {
      ...vendors,
      store,
      cancellations,
      log,
      reach: createCrashPoints(config),
      publicUrl: config.http.publicUrl,
      webhooks: { sender: createWebhookSender(config), timeScale: config.webhooks.timeScale },
    },
    queuePrefix: config.temporal.queuePrefix,
    queues,
    identity: `test-${process.pid}@${hostname()}`,
    cacheDir: config.cacheDir,
    log,
  });
  return async () => {
    await workers.stop();
    await waker.stop();
    await client.connection.close();
    await close();
    await bus.close();
    await store.close();
  };
};

/**
 * Starts an API of its own on a database of its own: everything is real but the vendor's model.
 * @param env settings that differ from the tests' usual ones.
 */
export const startTestServer = async (env: Partial<Env> = {}): Promise<TestServer> => {
  const { url: databaseUrl, drop } = await cloneTemplate();
  const dataDir = mkdtempSync(join(tmpdir(), 'taskloom-file-'));
  const config = toConfig({
    ...readEnv(),
    databaseUrl,
    dataDir,
    environment: 'test',
    model: 'scripted:instant',
    research: 'none',
    queuePrefix: `t${randomBytes(4).toString('hex')}-`,
    logLevel: 'error',
    // Tests send more than people do; those about limits set them.
    rateLimitPerMinute: 0,
    rateLimitPerHour: 0,
    ...env,
  });
  const system = openSystemStore(config.database.system ?? '', { name: 'test', poolSize: 2 });
  const api = await startApi(config);
  const stops: (() => Promise<void>)[] = [];
  return {
    url: api.url,
    config,
    operations: api.operations,
    system,
    signIn: async ({ email = 'editor@example.com', role = 'admin', workspace = 'default' } = {}) => {
      await addPerson(system, {
        email,
        displayName: email,
        passwordHash: await passwordHash,
        workspace,
        role,
      });
      const client = new ApiClient(api.url);
      await client.signIn(email, PASSWORD, workspace);
      return client;
    },
    startWorker: async (queues) => {
      const stop = await startWorker(config, system, queues ?? null);
      stops.push(stop);
      return async () => {
        stops.splice(stops.indexOf(stop), 1);
        await stop();
      };
    },
    another: () => startApiProcess(config),
    close: async () => {
      for (const stop of stops) await stop();
      await api.close();
      await system.close();
      await drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};
