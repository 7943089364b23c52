import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { loadConfig, type Config } from '../platform/config.ts';
import { readEnv } from '../platform/env.ts';
import { runBrief } from './brief.ts';
import { renderBanner } from './services/banner.ts';
import { lockInstance } from './services/instance-lock.ts';
import { describeModel } from './services/model-line.ts';
import { isPortFree } from './services/ports.ts';
import { createProgress, type Progress } from './services/progress.ts';
import { startStack, type Stack } from './services/stack.ts';
import { recallAdminEmail, rememberAdminEmail } from './services/state.ts';
import { stopStrays } from './services/strays.ts';
import { createSupervisor, onStopSignals } from './services/supervisor.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const USAGE = `npm start -- [--brief "what to write about" [--approve]] [--exit]

  --brief    after the start, create a task from this text, start it, and show how it goes
  --approve  approve its draft as the administrator, and follow it until it is published
  --exit     stop everything afterwards; the exit code is 0 when the start (and the brief) went well

Settings are environment variables: see .env.example.
`;

interface Options {
  readonly brief: string | undefined;
  readonly approve: boolean;
  readonly exit: boolean;
}

const readOptions = (): Options | null => {
  const { values } = parseArgs({
    options: {
      brief: { type: 'string' },
      approve: { type: 'boolean', default: false },
      exit: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  if (values.approve && values.brief === undefined)
    throw new Error('--approve needs --brief "what to write about"');
  return { brief: values.brief, approve: values.approve, exit: values.exit };
};

const requireFreePort = async ({ http }: Config): Promise<void> => {
  if (await isPortFree(http.port, http.host)) return;
  throw new Error(
    `port ${http.port} on ${http.host} is taken: set TASKLOOM_PORT to another one, or stop what uses it`,
  );
};

const describeDatabase = (config: Config, url: string): string => {
  const { hostname, port, pathname } = new URL(url);
  const place = `PostgreSQL, ${hostname}:${port || 5432}${pathname}`;
  return config.database.owner === null ? `${place} (embedded)` : place;
};

const announce = async (
  config: Config,
  stack: Stack,
  beganAt: number,
): Promise<{ email: string | null; password: string | null }> => {
  const created = stack.migration.admin;
  if (created) rememberAdminEmail(config.dataDir, created.email);
  const email = created?.email ?? config.admin.email ?? recallAdminEmail(config.dataDir);
  const banner = renderBanner({
    elapsedMs: performance.now() - beganAt,
    apiUrl: config.http.publicUrl,
    temporalUiUrl: stack.temporalUiUrl,
    dataDir: config.dataDir,
    database: describeDatabase(config, stack.databaseUrl),
    model: await describeModel(config, stack.weights),
    admin: { email, newPassword: created?.password ?? null },
  });
  process.stdout.write(`${banner}\n`);
  return { email, password: created?.password ?? config.admin.password };
};

/** What is done once all runs: a brief, if one was given. @returns whether it went well. */
const afterStart = async (
  options: Options,
  config: Config,
  admin: { email: string | null; password: string | null },
  signal: AbortSignal,
): Promise<boolean> => {
  if (options.brief === undefined) return true;
  try {
    const apiUrl = `http://${config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host}:${config.http.port}`;
    return await runBrief({
      apiUrl,
      ...admin,
      text: options.brief,
      approve: options.approve,
      leaveAtApproval: options.exit,
      signal,
    });
  } catch (error) {
    if (signal.aborted) return false;
    process.stderr.write(`taskloom: ${(error as Error).message}\n`);
    return false;
  }
};

const runUntilStopped = async (options: Options, config: Config, progress: Progress): Promise<number> => {
  const beganAt = performance.now();
  const lock = lockInstance(config.dataDir);
  const supervisor = createSupervisor((line) => progress.note(`taskloom: ${line}`));
  const stopped = new AbortController();
  const asked = Promise.withResolvers<void>();
  const removeHandlers = onStopSignals(
    () => {
      progress.note('\nStopping …');
      stopped.abort();
      asked.resolve();
      void supervisor.stopAll();
    },
    () => process.exit(1),
  );
  try {
    await stopStrays(config.dataDir, (line) => progress.note(`taskloom: ${line}`));
    await requireFreePort(config);
    const stack = await startStack({
      root: ROOT,
      config,
      env: readEnv(),
      baseEnv: { ...process.env },
      supervisor,
      progress,
    });
    const admin = await announce(config, stack, beganAt);
    const wentWell = await afterStart(options, config, admin, stopped.signal);
    if (options.exit) return wentWell ? 0 : 1;
    await asked.promise;
    return 0;
  } catch (error) {
    if (stopped.signal.aborted) return 0;
    throw error;
  } finally {
    await supervisor.stopAll();
    removeHandlers();
    lock.release();
  }
};

const main = async (): Promise<number> => {
  const options = readOptions();
  if (options === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  return runUntilStopped(options, loadConfig(), createProgress());
};

try {
  // Nothing may keep an ended launcher alive: a download that lost its purpose, for one.
  process.exit(await main());
} catch (error) {
  process.stderr.write(`\ntaskloom: ${(error as Error).message}\n`);
  process.exit(1);
}
