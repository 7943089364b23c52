import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toConfig } from '../../platform/config.ts';
import { crashPointFile, type CrashPoint } from '../../platform/crash-points.ts';
import { readEnv } from '../../platform/env.ts';
import { runMigrations } from '../../scripts/services/migrate-child.ts';
import { startNodeChild } from '../../scripts/services/node-child.ts';
import { isPortFree } from '../../scripts/services/ports.ts';
import type { RunningService } from '../../scripts/services/processes.ts';
import { startPostgres } from '../../scripts/services/postgres.ts';
import { silentProgress } from '../../scripts/services/progress.ts';
import { resolveTemporalBinary, startTemporal } from '../../scripts/services/temporal.ts';
import { ensureBundle } from '../../worker/bundle.ts';
import { startDouble } from './double.ts';
import { Part, PARTS, type Death, type PartName } from './part.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Below the range from which the system takes ports for outgoing connections: one of those could take a dead part's port. */
const PORT_RANGE = { first: 20_000, count: 12_000 };

export const SECRET = 'chaos-secret-key-chaos-secret-key-chaos';
export const ADMIN = { email: 'chaos@taskloom.test', password: 'a password for chaos only' };

/** The whole system in processes of its own, each of which may die at any time. */
export interface World {
  readonly folder: string;
  readonly apiUrl: string;
  readonly temporalAddress: string;
  readonly doubleLog: string;
  readonly parts: Readonly<Record<PartName, Part>>;
  /** The superuser's connection, after PostgreSQL's last start. */
  databaseUrl(): string;
  deaths(): Death[];
  /** The next process to reach this point kills itself there. */
  arm(point: CrashPoint): void;
  disarm(point: CrashPoint): void;
  /** Ends all processes; removes the files unless `keep`. */
  close(keep: boolean): Promise<void>;
}

const choosePorts = async (count: number): Promise<number[]> => {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = PORT_RANGE.first + Math.floor(Math.random() * PORT_RANGE.count);
    if (!ports.includes(port) && (await isPortFree(port))) ports.push(port);
  }
  return ports;
};

/** One log file a part. A line is written before its process can die of the next thing; what ends may say more afterwards. */
const openLogs = (folder: string) => {
  const files = new Set<number>();
  return {
    open: (name: string): ((line: string) => void) => {
      const file = openSync(join(folder, `${name}.log`), 'a');
      files.add(file);
      return (line) => {
        if (files.has(file)) writeSync(file, `${new Date().toISOString()} ${line}\n`);
      };
    },
    close: () => {
      files.forEach(closeSync);
      files.clear();
    },
  };
};

const childEnv = (input: {
  folder: string;
  cacheDir: string;
  api: number;
  temporal: number;
  modelUrl: string;
}) => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  TASKLOOM_ENV: 'test',
  TASKLOOM_DATA_DIR: input.folder,
  TASKLOOM_CACHE_DIR: input.cacheDir,
  TASKLOOM_SECRET_KEY: SECRET,
  TASKLOOM_LOG_LEVEL: 'warn',
  TASKLOOM_PORT: String(input.api),
  TASKLOOM_ACCESS_TOKEN_SECONDS: '3600',
  // Its clients send more than people do.
  TASKLOOM_RATE_LIMIT_PER_MINUTE: '0',
  TASKLOOM_RATE_LIMIT_PER_HOUR: '0',
  TASKLOOM_ADMIN_EMAIL: ADMIN.email,
  TASKLOOM_ADMIN_PASSWORD: ADMIN.password,
  TASKLOOM_MODEL: 'openai:double',
  OPENAI_BASE_URL: `${input.modelUrl}/v1`,
  OPENAI_API_KEY: 'x',
  TEMPORAL_ADDRESS: `127.0.0.1:${input.temporal}`,
});

/** A new data directory. PostgreSQL may run as another user, who has to pass. */
export const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'taskloom-chaos-'));
  chmodSync(folder, 0o711);
  return folder;
};

/**
 * Starts the double, PostgreSQL (durable, as in production), Temporal, the API and a worker, each in its own process
 * group, on ports and files of their own.
 * @param note gets what a person should know while it runs; @param folder the data directory, for one that has data already
 */
export const startWorld = async (note: (line: string) => void, folder = makeFolder()): Promise<World> => {
  mkdirSync(join(folder, 'crash'));
  const logs = openLogs(folder);
  const stops: (() => Promise<unknown>)[] = [];
  const close = async (keep: boolean): Promise<void> => {
    for (const stop of stops.toReversed()) await stop();
    stops.length = 0;
    logs.close();
    if (keep) note(`the files are kept in ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await startAll(folder, logs.open, stops, note)), folder, close };
  } catch (error) {
    await close(true);
    throw error;
  }
};

const startAll = async (
  folder: string,
  openLog: (name: string) => (line: string) => void,
  stops: (() => Promise<unknown>)[],
  note: (line: string) => void,
): Promise<Omit<World, 'folder' | 'close'>> => {
  const config = toConfig({ ...readEnv(), dataDir: folder, secretKey: SECRET });
  const binary = await resolveTemporalBinary({ config, progress: silentProgress });
  await ensureBundle(config.cacheDir);
  const [postgres = 0, temporal = 0, metrics = 0, api = 0] = await choosePorts(4);
  const double = await startDouble(folder);
  stops.push(() => double.stop());
  const env = childEnv({ folder, cacheDir: config.cacheDir, api, temporal, modelUrl: double.url });
  let databaseUrl = '';
  const withDatabase = () => ({ ...env, DATABASE_URL: databaseUrl });
  const log = Object.fromEntries(PARTS.map((name) => [name, openLog(name)])) as Record<
    PartName,
    (line: string) => void
  >;
  const program = (name: 'api' | 'worker') => () =>
    startNodeChild({
      name,
      script: join(ROOT, name, 'main.ts'),
      cwd: ROOT,
      env: withDatabase(),
      onLine: log[name],
    });
  const starts: Record<PartName, () => Promise<RunningService>> = {
    postgres: async () => {
      // Commit times tell whether a call began after its answer had been committed.
      const settings = { track_commit_timestamp: 'on' };
      const server = await startPostgres({ dataDir: folder, port: postgres, settings, log: log.postgres });
      databaseUrl = server.url;
      return server;
    },
    temporal: () =>
      startTemporal({
        binary,
        dataDir: folder,
        port: temporal,
        metricsPort: metrics,
        headless: true,
        log: log.temporal,
      }),
    api: program('api'),
    worker: program('worker'),
  };
  const parts = Object.fromEntries(
    PARTS.map((name) => [name, new Part({ name, start: starts[name], note })]),
  ) as Record<PartName, Part>;
  stops.push(
    () => Promise.all([parts.postgres.stop(), parts.temporal.stop()]),
    () => Promise.all([parts.api.stop(), parts.worker.stop()]),
  );
  await Promise.all([parts.postgres.start(), parts.temporal.start()]);
  await runMigrations({ root: ROOT, env: withDatabase(), log: openLog('migrate') });
  await Promise.all([parts.api.start(), parts.worker.start()]);
  const crashFile = (point: CrashPoint): string => crashPointFile(join(folder, 'crash'), point);
  return {
    apiUrl: `http://127.0.0.1:${api}`,
    temporalAddress: `127.0.0.1:${temporal}`,
    doubleLog: double.logFile,
    parts,
    databaseUrl: () => databaseUrl,
    deaths: () => PARTS.flatMap((name) => parts[name].deaths).toSorted((a, b) => a.at - b.at),
    arm: (point) => writeFileSync(crashFile(point), ''),
    disarm: (point) => rmSync(crashFile(point), { force: true }),
  };
};
