import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { toConfig, type Config } from '../../platform/config.ts';
import type { Env } from '../../platform/env.ts';
import type { DatabaseUrls } from '../../store/setup/migrate.ts';
import { lockInstance } from '../services/instance-lock.ts';
import { embeddedUrl, startPostgres } from '../services/postgres.ts';
import { recallPorts } from '../services/state.ts';
import type { Manifest } from './manifest.ts';
import { keyCheck, SECRET } from './manifest.ts';

/** A database that is there for as long as the command works, and how to let go of it. */
export interface Place {
  readonly config: Config;
  readonly urls: DatabaseUrls;
  release(): Promise<void>;
}

const urlsOf = ({ database }: Config): DatabaseUrls => {
  const { owner, app, system } = database;
  if (!owner || !app || !system) throw new Error('DATABASE_URL must name the database as its owner.');
  return { owner, app, system };
};

const at = (env: Env, databaseUrl: string, release: () => Promise<void>): Place => {
  const config = toConfig({ ...env, databaseUrl });
  return { config, urls: urlsOf(config), release };
};

const dataDirOf = (env: Env): string => resolve(env.dataDir ?? '.data');

/** Starts the embedded server for this command alone. @throws Error when Taskloom runs on this data directory. */
const startEmbedded = async (env: Env, lock: { release(): void }): Promise<Place> => {
  try {
    const server = await startPostgres({ dataDir: dataDirOf(env), log: () => {} });
    return at(env, server.url, async () => {
      await server.stop();
      lock.release();
    });
  } catch (error) {
    lock.release();
    throw error;
  }
};

/** The database that DATABASE_URL names, or the embedded one: of a running `npm start`, else started for a while. */
export const openExisting = async (env: Env): Promise<Place> => {
  if (env.databaseUrl !== undefined) return at(env, env.databaseUrl, async () => {});
  const dataDir = dataDirOf(env);
  if (!existsSync(join(dataDir, 'postgres', 'PG_VERSION')))
    throw new Error(
      `There is no database in ${dataDir}: set TASKLOOM_DATA_DIR to the folder of the instance, or DATABASE_URL.`,
    );
  let lock;
  try {
    lock = lockInstance(dataDir);
  } catch {
    const port = recallPorts(dataDir).postgres;
    if (port === undefined) throw new Error('Taskloom is just being started: try again when it is ready.');
    return at(env, embeddedUrl(dataDir, port), async () => {});
  }
  return startEmbedded(env, lock);
};

/** Where to restore to: the database that DATABASE_URL names, or a new embedded one. */
export const openNew = async (env: Env): Promise<Place> => {
  if (env.databaseUrl !== undefined) return at(env, env.databaseUrl, async () => {});
  const dataDir = dataDirOf(env);
  // Its workflows would belong to another life of the same runs.
  if (existsSync(join(dataDir, 'temporal.db')))
    throw new Error(
      `${dataDir} is the folder of an instance that was used: set TASKLOOM_DATA_DIR to a new folder, or move this one away.`,
    );
  return startEmbedded(env, lockInstance(dataDir));
};

/**
 * Makes sure that the master key of the backup is the one that this instance will use, and puts it into the data directory
 * if none is there.
 * @throws Error that says which key to give.
 */
export const placeKey = (
  env: Env,
  manifest: Manifest,
  secret: Buffer | null,
  makeFolder: () => void,
): void => {
  const file = join(dataDirOf(env), SECRET);
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  const given = env.secretKey ?? kept;
  if (given !== undefined) {
    if (keyCheck(Buffer.from(given)) === manifest.key_check) return;
    throw new Error(
      env.secretKey === undefined
        ? `${file} is not the master key of this backup, so its secrets could not be read: set TASKLOOM_DATA_DIR to a new folder.`
        : 'TASKLOOM_SECRET_KEY is not the master key of this backup, so its secrets could not be read: give the one of the instance that was backed up, or none where the backup brings it.',
    );
  }
  if (secret === null)
    throw new Error(
      `This backup was made without its master key: set TASKLOOM_SECRET_KEY, or put the file secret.key of the instance that was backed up to ${file}.`,
    );
  makeFolder();
  writeFileSync(`${file}.new`, secret, { mode: 0o600 });
  renameSync(`${file}.new`, file);
};
