import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { loadConfig, toConfig, type Config } from '../../platform/config.ts';
import { runMigrations } from '../../scripts/services/migrate-child.ts';
import { startNodeChild } from '../../scripts/services/node-child.ts';
import { startPostgres, type RunningPostgres } from '../../scripts/services/postgres.ts';
import type { RunningService } from '../../scripts/services/processes.ts';
import { silentProgress } from '../../scripts/services/progress.ts';
import {
  resolveTemporalBinary,
  startTemporal,
  type RunningTemporal,
} from '../../scripts/services/temporal.ts';
import { readEnv } from '../../platform/env.ts';
import { ensureBundle } from '../../worker/bundle.ts';
import { ADMIN, startApi, type Api } from './api.ts';
import { startPart, type Child } from './child.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SECRET = 'bench-secret-key-bench-secret-key-bench';
/** As many connections as our API opens. */
const POOL_SIZE = 16;

const FLOOR_TABLES = `
  create table floor_rows (id uuid primary key, name text not null, status text not null, metadata jsonb not null default '{}',
    created_at timestamptz not null default now(), updated_at timestamptz not null default now());
  create table floor_steps (id uuid not null, step int not null, at timestamptz not null default now(), primary key (id, step))`;

/** The whole system beside its floors, each in processes of its own. */
export interface World {
  readonly folder: string;
  readonly config: Config;
  readonly postgres: RunningPostgres;
  readonly temporal: RunningTemporal;
  readonly api: Api;
  readonly worker: {
    readonly pid: number;
    /** Has the work done by a worker with these settings, and then starts one with the usual ones again. */
    with<T>(settings: NodeJS.ProcessEnv, work: () => Promise<T>): Promise<T>;
  };
  /** Bare Express and a bare worker, on the same servers, in a database of their own. */
  readonly floor: { readonly url: string; readonly databaseUrl: string; readonly worker: Child };
  /** The superuser, in our database and in the floor's. */
  readonly ours: pg.Pool;
  readonly bare: pg.Pool;
  readonly workspaceId: string;
  /** The settings of the API. */
  readonly apiEnv: Record<string, string>;
  /** The address of another database of the same server. */
  databaseUrl(name: string): string;
  /** Another API, on another database. */
  startApi(databaseUrl: string): Promise<Api>;
  close(): Promise<void>;
}

const environment = (folder: string, cacheDir: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  // As in production, but with a model that answers at once, and without a network.
  TASKLOOM_ENV: 'test',
  TASKLOOM_VALIDATE_RESPONSES: 'false',
  TASKLOOM_MODEL: 'scripted:instant',
  TASKLOOM_RESEARCH: 'none',
  TASKLOOM_LOG_LEVEL: 'warn',
  TASKLOOM_DATA_DIR: folder,
  TASKLOOM_CACHE_DIR: cacheDir,
  TASKLOOM_SECRET_KEY: SECRET,
  TASKLOOM_ACCESS_TOKEN_SECONDS: '7200',
  // The bench sends more than any person may: what counting costs is the measure `limits`.
  // Guesses are told apart by the address that the bench gives them.
  TASKLOOM_TRUSTED_PROXIES: 'loopback',
  TASKLOOM_RATE_LIMIT_PER_MINUTE: '0',
  TASKLOOM_RATE_LIMIT_PER_HOUR: '0',
  TASKLOOM_ADMIN_EMAIL: ADMIN.email,
  TASKLOOM_ADMIN_PASSWORD: ADMIN.password,
});

const startWorker = (env: NodeJS.ProcessEnv): Promise<RunningService> =>
  startNodeChild({
    name: 'worker',
    script: join(ROOT, 'worker', 'main.ts'),
    cwd: ROOT,
    env,
    onLine: (line) => console.error(`[worker] ${line.slice(0, 400)}`),
  });

/** A worker that makes room for one with other settings. */
const startWorkers = async (env: NodeJS.ProcessEnv): Promise<World['worker'] & { stop(): Promise<void> }> => {
  let running = await startWorker(env);
  const replace = async (settings: NodeJS.ProcessEnv): Promise<void> => {
    await running.stop();
    running = await startWorker({ ...env, ...settings });
  };
  return {
    get pid() {
      return running.pid;
    },
    with: async (settings, work) => {
      await replace(settings);
      try {
        return await work();
      } finally {
        await replace({});
      }
    },
    stop: () => running.stop(),
  };
};

/** The databases for the lists are made while nobody is connected to the one they are copied from. */
const createDatabases = async (databaseUrl: string, names: readonly string[]): Promise<void> => {
  const admin = new pg.Client({
    connectionString: Object.assign(new URL(databaseUrl), { pathname: 'postgres' }).href,
  });
  await admin.connect();
  await admin.query('create database floor');
  for (const name of names) await admin.query(`create database ${name} template taskloom`);
  await admin.end();
};

const openPool = (url: string, stops: (() => Promise<unknown>)[]): pg.Pool => {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => {});
  stops.push(() => pool.end());
  return pool;
};

/**
 * Starts PostgreSQL (durable, as in production), Temporal, the API, a worker and the floors, on ports and files of their own.
 * @param copies databases to make as copies of the migrated, empty one.
 * @param onClose gets a way to end what runs, before anything does.
 */
export const startWorld = async (
  copies: readonly string[],
  note: (line: string) => void,
  onClose: (close: () => Promise<void>) => void,
): Promise<World> => {
  const folder = mkdtempSync(join(tmpdir(), 'taskloom-bench-'));
  // PostgreSQL may run as another user, who has to pass.
  chmodSync(folder, 0o711);
  const stops: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).toReversed())
      await stop().catch((error: Error) => note(error.message));
    rmSync(folder, { recursive: true, force: true });
  };
  onClose(close);
  try {
    return { ...(await startAll(folder, copies, stops)), close };
  } catch (error) {
    await close();
    throw error;
  }
};

const startAll = async (
  folder: string,
  copies: readonly string[],
  stops: (() => Promise<unknown>)[],
): Promise<Omit<World, 'close'>> => {
  const { cacheDir } = loadConfig();
  const kept = <Service extends Pick<RunningService, 'stop'>>(service: Service): Service => {
    stops.push(() => service.stop());
    return service;
  };
  const log = (): void => {};
  const binary = await resolveTemporalBinary({ config: loadConfig(), progress: silentProgress });
  // Commit times tell when a row could be seen.
  const settings = { track_commit_timestamp: 'on' };
  const postgres = kept(await startPostgres({ dataDir: folder, settings, log }));
  const temporal = kept(await startTemporal({ binary, dataDir: folder, headless: true, log }));
  const env = {
    ...environment(folder, cacheDir),
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
  };
  await runMigrations({ root: ROOT, env, log });
  await createDatabases(postgres.url, copies);
  await ensureBundle(cacheDir);
  const databaseUrl = (name: string): string => Object.assign(new URL(postgres.url), { pathname: name }).href;
  const bare = openPool(databaseUrl('floor'), stops);
  await bare.query(FLOOR_TABLES);
  const ours = openPool(postgres.url, stops);
  const { rows } = await ours.query<{ id: string }>(`select id from workspaces where slug = 'default'`);
  const api = kept(await startApi(ROOT, env));
  const worker = kept(await startWorkers(env));
  const floorSettings = {
    databaseUrl: databaseUrl('floor'),
    temporalAddress: temporal.address,
    queue: 'floor',
    poolSize: POOL_SIZE,
  };
  const server = kept(await startPart('floor', floorSettings));
  const floorWorker = kept(await startPart('worker', floorSettings));
  return {
    folder,
    config: toConfig({
      ...readEnv(),
      databaseUrl: postgres.url,
      dataDir: folder,
      secretKey: SECRET,
      environment: 'test',
    }),
    postgres,
    temporal,
    api,
    worker,
    floor: {
      url: await server.ask<string>({ what: 'url' }),
      databaseUrl: floorSettings.databaseUrl,
      worker: floorWorker,
    },
    ours,
    bare,
    workspaceId: rows[0]?.id ?? '',
    databaseUrl,
    apiEnv: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    startApi: (url) => startApi(ROOT, { ...env, DATABASE_URL: url }),
  };
};
