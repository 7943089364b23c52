import { join } from 'node:path';
import type { Config } from '../../platform/config.ts';
import type { Env } from '../../platform/env.ts';
import { isPostgresWarning, openLog, summarizeWarning } from './log-files.ts';
import { runMigrations, type MigrationResult } from './migrate-child.ts';
import { needsLocalModel } from './model-line.ts';
import { startNodeChild } from './node-child.ts';
import { startPostgres } from './postgres.ts';
import type { Progress } from './progress.ts';
import { choosePorts, type EmbeddedPorts } from './state.ts';
import { noteProcess } from './strays.ts';
import type { Supervisor } from './supervisor.ts';
import { resolveTemporalBinary, startTemporal } from './temporal.ts';
import { ensureWeights, type Weights } from './weights.ts';

export interface StackInput {
  /** The checkout. */
  readonly root: string;
  readonly config: Config;
  readonly env: Pick<Env, 'temporalAddress'>;
  /** What the children's environment begins with. */
  readonly baseEnv: NodeJS.ProcessEnv;
  readonly supervisor: Supervisor;
  readonly progress: Progress;
}

export interface Stack {
  readonly databaseUrl: string;
  readonly temporalUiUrl: string | null;
  readonly migration: MigrationResult;
  /** `null` when another model is configured. */
  readonly weights: Weights | null;
}

const superviseDatabase = async (input: StackInput, port: number): Promise<string> => {
  const { config, supervisor, progress } = input;
  if (config.database.owner !== null) return config.database.owner;
  const write = openLog(config.dataDir, 'postgres');
  const log = (line: string): void => {
    write(line);
    if (isPostgresWarning(line) && !supervisor.isStopping) progress.note(`[PostgreSQL] ${line}`);
  };
  const start = async () => {
    const server = await startPostgres({ dataDir: config.dataDir, port, log });
    noteProcess(config.dataDir, {
      name: 'PostgreSQL',
      pid: server.pid,
      mark: join(config.dataDir, 'postgres'),
    });
    return server;
  };
  const server = await progress.step('PostgreSQL', () => supervisor.add({ name: 'PostgreSQL', start }));
  return server.url;
};

const superviseTemporal = async (
  input: StackInput,
  ports: EmbeddedPorts,
): Promise<{ address: string; uiUrl: string | null }> => {
  const { config, supervisor, progress } = input;
  if (input.env.temporalAddress !== undefined)
    return { address: input.env.temporalAddress, uiUrl: config.temporal.uiUrl };
  const binary = await resolveTemporalBinary({ config, progress });
  const write = openLog(config.dataDir, 'temporal');
  const log = (line: string): void => {
    write(line);
    if (line.startsWith('warning: ')) progress.note(`[Temporal] ${line}`);
  };
  const start = async () => {
    const server = await startTemporal({
      binary,
      dataDir: config.dataDir,
      port: ports.temporal,
      uiPort: ports.temporalUi,
      metricsPort: ports.temporalMetrics,
      log,
    });
    noteProcess(config.dataDir, {
      name: 'Temporal',
      pid: server.pid,
      mark: join(config.dataDir, 'temporal.db'),
    });
    return server;
  };
  return progress.step('Temporal', () => supervisor.add({ name: 'Temporal', start }));
};

const superviseProgram = async (input: StackInput, name: string, env: NodeJS.ProcessEnv): Promise<void> => {
  const { config, supervisor, progress, root } = input;
  const script = join(root, name, 'main.ts');
  const write = openLog(config.dataDir, name);
  const onLine = (line: string): void => {
    write(line);
    const warning = supervisor.isStopping ? null : summarizeWarning(line);
    if (warning !== null) progress.note(`[${name}] ${warning}`);
  };
  const start = async () => {
    const child = await startNodeChild({ name, script, cwd: root, env, onLine });
    noteProcess(config.dataDir, { name, pid: child.pid, mark: script });
    return child;
  };
  await progress.step(name === 'api' ? 'API' : 'Worker', () => supervisor.add({ name, start }));
};

/**
 * Starts what this configuration needs, side by side where one does not wait for another: database and migrations,
 * Temporal, the local model's file, then API and worker.
 */
export const startStack = async (input: StackInput): Promise<Stack> => {
  const { config, progress, root } = input;
  const ports = await choosePorts(config.dataDir);
  const weightsReady = needsLocalModel(config) ? ensureWeights({ config, progress }) : Promise.resolve(null);
  const database = async () => {
    const databaseUrl = await superviseDatabase(input, ports.postgres);
    const env = { ...input.baseEnv, DATABASE_URL: databaseUrl, TASKLOOM_DATA_DIR: config.dataDir };
    const log = openLog(config.dataDir, 'migrate');
    const migration = await progress.step('Migrations', () => runMigrations({ root, env, log }));
    return { databaseUrl, migration };
  };
  const [{ databaseUrl, migration }, temporal] = await Promise.all([
    database(),
    superviseTemporal(input, ports),
  ]);
  const env: NodeJS.ProcessEnv = {
    ...input.baseEnv,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TASKLOOM_DATA_DIR: config.dataDir,
    TASKLOOM_CACHE_DIR: config.cacheDir,
    ...(temporal.uiUrl === null ? {} : { TASKLOOM_TEMPORAL_UI_URL: temporal.uiUrl }),
  };
  // The worker reports its models when it is ready, so their file has to be there first.
  const workerReady = weightsReady.then(() => superviseProgram(input, 'worker', env));
  const [, , weights] = await Promise.all([superviseProgram(input, 'api', env), workerReady, weightsReady]);
  return { databaseUrl, temporalUiUrl: temporal.uiUrl, migration, weights };
};
