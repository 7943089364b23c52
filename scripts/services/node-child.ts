import { spawn } from 'node:child_process';
import { readLines, settlesWithin, stopChild, whenExited, type RunningService } from './processes.ts';

const READY_TIMEOUT_MS = 120_000;
const STOP_GRACE_MS = 15_000;

export interface NodeChildOptions {
  readonly name: string;
  /** Path of the program, run by this same Node. */
  readonly script: string;
  readonly cwd: string;
  /** The whole environment of the child. */
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

const isReady = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && 'ready' in message && message.ready === true;

/**
 * Starts one of our own processes and waits until it says `process.send({ready: true})`.
 * @throws Error with its last lines when it ends before that.
 */
export const startNodeChild = async (options: NodeChildOptions): Promise<RunningService> => {
  // Its own process group: Ctrl-C reaches only the launcher, which stops its children in order.
  const child = spawn(process.execPath, [options.script], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lastLines: string[] = [];
  readLines([child.stdout, child.stderr], (line) => {
    lastLines.push(line);
    if (lastLines.length > 15) lastLines.shift();
    options.onLine(line);
  });
  const exited = whenExited(child);
  const ready = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      if (isReady(message)) resolve();
    });
  });
  const stop = (): Promise<void> =>
    stopChild(child, exited, [
      { signal: 'SIGTERM', graceMs: STOP_GRACE_MS },
      { signal: 'SIGKILL', graceMs: 5_000 },
    ]);
  const inTime = await settlesWithin(Promise.race([ready, exited]), READY_TIMEOUT_MS);
  if (!inTime) await stop();
  if (!inTime || child.exitCode !== null || child.signalCode !== null) {
    const what = inTime ? 'ended while starting' : `was not ready within ${READY_TIMEOUT_MS / 1000} s`;
    throw new Error(`${options.name} ${what}:\n${lastLines.join('\n')}`);
  }
  let stopping: Promise<void> | undefined;
  return { pid: child.pid ?? -1, exited, stop: () => (stopping ??= stop()) };
};
