import { execFileSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server that a script has started and can stop. */
export interface RunningService {
  readonly pid: number;
  /** Asks it to stop and resolves when it has ended; calling it again waits for the same end. */
  stop(): Promise<void>;
  readonly exited: Promise<Exit>;
}

/** @returns whether a process with this id exists, whoever owns it. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** The command line of a process, from /proc where there is one (slim images have no `ps`); `null` when it is gone. */
export const commandOf = (pid: number): string | null => {
  try {
    if (existsSync('/proc/self/cmdline')) {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || null;
    }
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
};

/** Resolves when the child has ended; a child that can't be started counts as ended with code 127. */
export const whenExited = (child: ChildProcess): Promise<Exit> =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 127, signal: null }));
  });

/** @returns `true` when the promise settled within the time. */
export const settlesWithin = async (promise: Promise<unknown>, ms: number): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, timeout]);
  } finally {
    clearTimeout(timer);
  }
};

/** Sends each signal in turn until the process has ended, waiting `graceMs` after each. */
export const stopChild = async (
  child: ChildProcess,
  exited: Promise<Exit>,
  signals: readonly { readonly signal: NodeJS.Signals; readonly graceMs: number }[],
): Promise<void> => {
  for (const { signal, graceMs } of signals) {
    child.kill(signal);
    if (await settlesWithin(exited, graceMs)) return;
  }
  await exited;
};

/** Stops a process that is not our child (left by a killed launcher) and waits until it is gone. */
export const stopStray = async (pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> => {
  const send = (next: NodeJS.Signals): void => {
    try {
      process.kill(pid, next);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const deadline = Date.now() + graceMs;
  send(signal);
  // One that ended but was not yet collected by its new parent still has an id, but no command line.
  for (let killed = false; isAlive(pid) && commandOf(pid) !== null; await wait(50)) {
    if (killed || Date.now() < deadline) continue;
    send('SIGKILL');
    killed = true;
  }
};

/** Calls `onLine` for each line of the streams that there are. */
export const readLines = (streams: readonly (Readable | null)[], onLine: (line: string) => void): void => {
  for (const stream of streams) {
    if (stream) createInterface({ input: stream }).on('line', onLine);
  }
};

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
