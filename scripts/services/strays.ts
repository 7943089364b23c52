import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPostgresCommand, readPostmasterPid } from './postgres-files.ts';
import { commandOf, stopStray } from './processes.ts';

const STOP_GRACE_MS = 15_000;

/** A process of ours that would outlive a launcher that is killed outright. */
export interface NotedProcess {
  readonly name: string;
  readonly pid: number;
  /** A part of its command line that no unrelated process has: its id alone may be another program's by then. */
  readonly mark: string;
}

const pathOf = (dataDir: string): string => join(dataDir, 'processes.json');

const readNoted = (dataDir: string): NotedProcess[] => {
  try {
    return JSON.parse(readFileSync(pathOf(dataDir), 'utf8')) as NotedProcess[];
  } catch {
    return [];
  }
};

/** Remembers a started process for `stopStrays` of the next start. */
export const noteProcess = (dataDir: string, noted: NotedProcess): void => {
  const before = readNoted(dataDir);
  // A restarted one keeps its place, as the order of starts is the order to stop in, backwards.
  const isKnown = before.some((one) => one.name === noted.name);
  const all = isKnown ? before.map((one) => (one.name === noted.name ? noted : one)) : [...before, noted];
  writeFileSync(`${pathOf(dataDir)}.new`, JSON.stringify(all, null, 2));
  renameSync(`${pathOf(dataDir)}.new`, pathOf(dataDir));
};

/**
 * Stops what a killed launcher left running on this data directory, the last started first. Call it only while
 * holding the instance lock, which proves that no live launcher uses them.
 */
export const stopStrays = async (dataDir: string, report: (line: string) => void): Promise<void> => {
  for (const { name, pid, mark } of readNoted(dataDir).toReversed()) {
    const command = commandOf(pid);
    if (command === null || !command.includes(mark)) continue;
    report(`stopping ${name} (process ${pid}) that an earlier start left behind`);
    // For PostgreSQL SIGTERM would wait for its clients, who may be strays as well; SIGINT is its fast shutdown.
    await stopStray(pid, isPostgresCommand(command) ? 'SIGINT' : 'SIGTERM', STOP_GRACE_MS);
  }
  const cluster = join(dataDir, 'postgres');
  const postmaster = readPostmasterPid(cluster);
  const command = postmaster === null ? null : commandOf(postmaster);
  if (postmaster !== null && isPostgresCommand(command) && command?.includes(cluster)) {
    await stopStray(postmaster, 'SIGINT', STOP_GRACE_MS);
  }
  rmSync(pathOf(dataDir), { force: true });
};
