import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findFreePorts, isPortFree } from './ports.ts';
import { readLines, settlesWithin, stopChild, whenExited, type RunningService } from './processes.ts';
import { readTemporalVersion } from './temporal-binary.ts';

export { resolveTemporalBinary } from './temporal-binary.ts';

const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 60_000;

/** Those that workflows set; they must exist before the first workflow starts. */
const SEARCH_ATTRIBUTES = ['TenantId', 'Kind', 'EntityId', 'Phase'] as const;

/**
 * A stock development server polls its queues 20 times a second and shifts timers by up to a second; with these a
 * one-activity workflow takes 25 to 46 ms instead of 100. One partition and fairness make priorities exact.
 */
const DYNAMIC_CONFIG = [
  'matching.enableFairness=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  'history.transferProcessorMaxPollRPS=1000',
  'history.timerProcessorMaxPollRPS=1000',
  'history.visibilityProcessorMaxPollRPS=100',
  'history.timerProcessorMaxTimeShift="10ms"',
] as const;

const SQLITE_PRAGMAS = ['journal_mode=WAL', 'synchronous=OFF'] as const;

export interface TemporalOptions {
  readonly binary: string;
  /** Taskloom's data directory; the file is `temporal.db` in it. */
  readonly dataDir: string;
  readonly port?: number;
  readonly uiPort?: number;
  readonly metricsPort?: number;
  /** Without the Web UI, for tests. */
  readonly headless?: boolean;
  readonly log: (line: string) => void;
}

export interface RunningTemporal extends RunningService {
  readonly address: string;
  readonly port: number;
  /** Where the Web UI answers; `null` when headless. */
  readonly uiUrl: string | null;
  readonly uiPort: number | null;
  readonly metricsPort: number;
}

/** A newer CLI does not migrate an older one's file, so that file is kept aside; runs are restarted from PostgreSQL. */
const prepareFile = (dataDir: string, version: string, log: (line: string) => void): string => {
  const file = join(dataDir, 'temporal.db');
  const versionFile = join(dataDir, 'temporal.version');
  const before = existsSync(versionFile) ? readFileSync(versionFile, 'utf8').trim() : null;
  if (existsSync(file) && before !== null && before !== version) {
    const aside = `${file}.${before}-${Date.now()}`;
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${aside}${suffix}`);
    }
    log(
      `warning: Temporal ${version} can't read the file of ${before}: it now lies at ${aside}, and a new one is made`,
    );
  }
  writeFileSync(versionFile, `${version}\n`);
  return file;
};

const flags = (input: {
  file: string;
  port: number;
  uiPort: number | null;
  metricsPort: number;
}): string[] => [
  'server',
  'start-dev',
  '--ip',
  HOST,
  '--port',
  String(input.port),
  ...(input.uiPort === null ? ['--headless'] : ['--ui-port', String(input.uiPort)]),
  '--metrics-port',
  String(input.metricsPort),
  '--log-level',
  'warn',
  '--db-filename',
  input.file,
  ...SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
  ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
];

/** The CLI registers the search attributes after its server answers, so that answer alone is not enough. */
const hasSearchAttributes = async (address: string): Promise<boolean> => {
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: '2s' }).catch(() => null);
  if (connection === null) return false;
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    return SEARCH_ATTRIBUTES.every((name) => name in (customAttributes ?? {}));
  } catch {
    return false;
  } finally {
    await connection.close();
  }
};

const waitUntilReady = async (
  address: string,
  exited: Promise<unknown>,
): Promise<'ready' | 'exited' | 'late'> => {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (await settlesWithin(exited, 50)) return 'exited';
    if (await hasSearchAttributes(address)) return 'ready';
  }
  return 'late';
};

const explain = (lines: readonly string[]): Error => {
  const words = lines.join('\n');
  if (/address already in use|can't set .*port|failed to listen/i.test(words)) {
    return new Error(`a port that Temporal needs is taken:\n${words}`);
  }
  if (/locked|SQLITE_BUSY/i.test(words)) {
    return new Error(
      'another Temporal server uses the same file: stop it, or set TASKLOOM_DATA_DIR to another folder',
    );
  }
  return new Error(`Temporal stopped while starting:\n${words}`);
};

/** A server that already listens there would answer in the place of ours, and look ready. */
const requireFree = async (ports: readonly (number | undefined)[]): Promise<void> => {
  for (const port of ports) {
    if (port !== undefined && !(await isPortFree(port))) {
      throw new Error(`port ${port} on 127.0.0.1 is taken, so Temporal can't listen there`);
    }
  }
};

const choosePorts = async (options: TemporalOptions) => {
  await requireFree([options.port, options.uiPort, options.metricsPort]);
  const [port = 0, uiPort = 0, metricsPort = 0] = await findFreePorts([undefined, undefined, undefined]);
  return {
    port: options.port ?? port,
    uiPort: options.headless ? null : (options.uiPort ?? uiPort),
    metricsPort: options.metricsPort ?? metricsPort,
  };
};

/**
 * Starts a real Temporal server, tuned for one small machine, and waits until it answers with its search attributes.
 * Its file survives restarts; a file of another version is moved aside with a warning.
 * @throws Error with the server's last words, or what to change.
 */
export const startTemporal = async (options: TemporalOptions): Promise<RunningTemporal> => {
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true });
  const version = (await readTemporalVersion(options.binary)) ?? 'unknown';
  const ports = await choosePorts(options);
  const file = prepareFile(dataDir, version, options.log);
  // Its own process group: Ctrl-C in a terminal must not stop it before those who use it.
  const child = spawn(options.binary, flags({ file, ...ports }), {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { HOME: dataDir, PATH: '/usr/bin:/bin' },
  });
  const lastLines: string[] = [];
  readLines([child.stdout, child.stderr], (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    options.log(line);
  });
  const exited = whenExited(child);
  const stop = (): Promise<void> =>
    stopChild(child, exited, [
      { signal: 'SIGTERM', graceMs: 10_000 },
      { signal: 'SIGKILL', graceMs: 5_000 },
    ]);
  const address = `${HOST}:${ports.port}`;
  const state = await waitUntilReady(address, exited);
  if (state !== 'ready') {
    await stop();
    throw state === 'exited'
      ? explain(lastLines)
      : new Error(`Temporal did not answer within ${READY_TIMEOUT_MS / 1000} s:\n${lastLines.join('\n')}`);
  }
  let stopping: Promise<void> | undefined;
  return {
    address,
    ...ports,
    uiUrl: ports.uiPort === null ? null : `http://${HOST}:${ports.uiPort}`,
    pid: child.pid ?? -1,
    exited,
    stop: () => (stopping ??= stop()),
  };
};
