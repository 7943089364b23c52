import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { findFreePort } from './ports.ts';
import { choosePostgresAccount, type PostgresAccount } from './postgres-account.ts';
import { ensureCluster, ensurePassword, findPostgresBinaries, isPostgresCommand } from './postgres-files.ts';
import { readPostmasterPid, removePostmasterLock, SUPERUSER } from './postgres-files.ts';
import { commandOf, isAlive, readLines, settlesWithin, stopChild, wait, whenExited } from './processes.ts';
import type { Exit, RunningService } from './processes.ts';

const DATABASE = 'taskloom';
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 40;
/** Children of a killed postmaster hold its shared memory until they notice: that can take seconds under load. */
const LEFTOVER_TIMEOUT_MS = 20_000;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '128MB',
  max_connections: '200',
  jit: 'off',
};

export interface PostgresOptions {
  /** Taskloom's data directory; the files lie in `postgres/` under it. */
  readonly dataDir: string;
  /** A free one is taken when absent. */
  readonly port?: number;
  /** Server settings beyond ours, such as `{fsync: 'off'}` for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

export interface RunningPostgres extends RunningService {
  /** The superuser's DATABASE_URL to the database `taskloom`. */
  readonly url: string;
  readonly port: number;
}

interface Attempt {
  readonly options: PostgresOptions;
  readonly account: PostgresAccount;
  readonly binary: string;
  readonly cluster: string;
  readonly password: string;
  readonly port: number;
}

const connectionUrl = (port: number, password: string, database: string): string =>
  `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;

/** The superuser's DATABASE_URL of an embedded server that runs already. @throws when it was never started. */
export const embeddedUrl = (dataDir: string, port: number): string =>
  connectionUrl(port, readFileSync(join(dataDir, 'postgres.password'), 'utf8').trim(), DATABASE);

const launch = (attempt: Attempt) => {
  const settings = { ...SETTINGS, ...attempt.options.settings };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { file, args, options } = attempt.account.command(attempt.binary, [
    '-D',
    attempt.cluster,
    '-p',
    String(attempt.port),
    ...flags,
  ]);
  // Its own process group: Ctrl-C in a terminal must not stop the database before those who use it.
  const child = spawn(file, args, {
    ...options,
    env: { LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lastLines: string[] = [];
  readLines([child.stderr], (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    attempt.options.log(line);
  });
  return { child, lastLines, exited: whenExited(child) };
};

const answers = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
    return true;
  } catch (error) {
    const code = (error as { code?: string }).code;
    // 57P03: still starting or recovering.
    if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === '57P03') return false;
    if (code === '28P01') {
      throw new Error(
        'the password in postgres.password does not fit the database files beside it: restore that file, or set TASKLOOM_DATA_DIR to another folder',
        { cause: error },
      );
    }
    throw error;
  } finally {
    await client.end().catch(() => {});
  }
};

type Verdict =
  { readonly retry: true; readonly afterMs: number } | { readonly retry: false; readonly reason: string };

/** Reads the server's last words after it refused to start. */
const judgeFailure = (attempt: Attempt, words: string): Verdict => {
  if (/pre-existing shared memory block/.test(words)) return { retry: true, afterMs: 250 };
  if (/lock file "postmaster\.pid" (already exists|is empty)/.test(words)) {
    const pid = readPostmasterPid(attempt.cluster);
    if (pid === null || !isAlive(pid)) return { retry: true, afterMs: 250 };
    if (!isPostgresCommand(commandOf(pid))) {
      // After a crash the number in the lock file may belong to any other program.
      removePostmasterLock(attempt.cluster);
      return { retry: true, afterMs: 0 };
    }
    return {
      retry: false,
      reason: `another PostgreSQL (process ${pid}) already uses ${attempt.cluster}: stop it, or set TASKLOOM_DATA_DIR to another folder`,
    };
  }
  if (/could not bind|Address already in use/.test(words)) {
    return {
      retry: false,
      reason: `port ${attempt.port} on 127.0.0.1 is taken, so PostgreSQL can't listen there`,
    };
  }
  if (/database files are incompatible/.test(words)) {
    return {
      retry: false,
      reason: `${attempt.cluster} was made by another version of PostgreSQL: set TASKLOOM_DATA_DIR to another folder, or DATABASE_URL to a server that can read it`,
    };
  }
  return { retry: false, reason: `PostgreSQL stopped while starting:\n${words}` };
};

const waitUntilReady = async (url: string, exited: Promise<Exit>): Promise<'ready' | 'exited' | 'late'> => {
  let ended = false;
  void exited.then(() => (ended = true));
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (ended) return 'exited';
    try {
      if (await answers(url)) return ended ? 'exited' : 'ready';
    } catch (error) {
      // Another server on this port may have answered, while ours is about to end because the port is taken.
      if (await settlesWithin(exited, 500)) return 'exited';
      throw error;
    }
    await wait(POLL_MS);
  }
  return 'late';
};

const startOnce = async (attempt: Attempt): Promise<RunningPostgres | Verdict> => {
  const { child, lastLines, exited } = launch(attempt);
  const stop = (): Promise<void> =>
    stopChild(child, exited, [
      // PostgreSQL's own words: SIGINT is its fast shutdown, SIGQUIT its immediate one (recovery at the next start).
      { signal: 'SIGINT', graceMs: 30_000 },
      { signal: 'SIGQUIT', graceMs: 5_000 },
      { signal: 'SIGKILL', graceMs: 5_000 },
    ]);
  try {
    const state = await waitUntilReady(connectionUrl(attempt.port, attempt.password, 'postgres'), exited);
    if (state === 'exited') return judgeFailure(attempt, lastLines.join('\n'));
    if (state === 'late')
      throw new Error(
        `PostgreSQL did not answer within ${READY_TIMEOUT_MS / 1000} s:\n${lastLines.join('\n')}`,
      );
  } catch (error) {
    await stop();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    url: connectionUrl(attempt.port, attempt.password, DATABASE),
    port: attempt.port,
    pid: child.pid ?? -1,
    exited,
    stop: () => (stopping ??= stop()),
  };
};

/**
 * Starts the embedded PostgreSQL 18 on 127.0.0.1 and waits until it answers; makes its files at the first start.
 * Works as root (as another user) and as a normal user, and recovers after a crash.
 * @throws Error that says which setting to change: files in use, port taken, no binaries for this machine.
 */
export const startPostgres = async (options: PostgresOptions): Promise<RunningPostgres> => {
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true });
  const binaries = findPostgresBinaries();
  const account = choosePostgresAccount(join(dataDir, 'postgres'), binaries.postgres);
  const password = ensurePassword(dataDir);
  const cluster = await ensureCluster({ dataDir, initdb: binaries.initdb, account, password });
  const port = options.port ?? (await findFreePort());
  const deadline = Date.now() + LEFTOVER_TIMEOUT_MS;
  for (;;) {
    const outcome = await startOnce({ options, account, binary: binaries.postgres, cluster, password, port });
    if ('url' in outcome) return outcome;
    if (!outcome.retry) throw new Error(outcome.reason);
    if (Date.now() > deadline) {
      throw new Error(
        `processes of an earlier PostgreSQL still use ${cluster}: end them, or set TASKLOOM_DATA_DIR to another folder`,
      );
    }
    await wait(outcome.afterMs);
  }
};
