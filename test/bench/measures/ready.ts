import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../../../scripts/services/ports.ts';
import { settlesWithin, stopChild, whenExited } from '../../../scripts/services/processes.ts';
import { median } from '../stats.ts';
import type { Result } from '../table.ts';
import { ROOT } from '../world.ts';

const STARTS = 3;
const TIMEOUT_MS = 120_000;

type OnClose = (close: () => Promise<void>) => void;

/** Runs `npm start`'s launcher until its banner, then Ctrl-C. @returns seconds to the banner. */
const startOnce = async (dataDir: string, onClose: OnClose): Promise<number> => {
  const beganAt = performance.now();
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'launch.mjs'), 'start'], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TASKLOOM_DATA_DIR: dataDir,
      TASKLOOM_PORT: String(await findFreePort()),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = whenExited(child);
  const stop = (): Promise<void> =>
    stopChild(child, exited, [
      { signal: 'SIGINT', graceMs: 60_000 },
      { signal: 'SIGKILL', graceMs: 5_000 },
    ]);
  onClose(stop);
  let words = '';
  const ready = new Promise<number>((resolve) => {
    const look = (data: Buffer): void => {
      words += data.toString();
      if (words.includes('Taskloom is ready')) resolve((performance.now() - beganAt) / 1_000);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
  });
  const isReady = await settlesWithin(Promise.race([ready, exited]), TIMEOUT_MS);
  const alive = child.exitCode === null && child.signalCode === null;
  if (alive) await stop();
  if (!isReady || !alive) throw new Error(`npm start did not become ready:\n${words.slice(-2_000)}`);
  return ready;
};

/** `npm start` to its banner with warm caches: with an empty data directory, and again with the one it has made. */
export const measureReady = async (note: (line: string) => void, onClose: OnClose): Promise<Result[]> => {
  const first: number[] = [];
  const again: number[] = [];
  for (let n = 1; n <= STARTS; n++) {
    note(`npm start: ${n} of ${STARTS}`);
    const dataDir = mkdtempSync(join(tmpdir(), 'taskloom-bench-start-'));
    chmodSync(dataDir, 0o711);
    try {
      first.push(await startOnce(dataDir, onClose));
      again.push(await startOnce(dataDir, onClose));
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  }
  const result = (what: string, seconds: readonly number[]): Result => ({
    what,
    unit: 's',
    ours: median(seconds),
    floor: null,
    goal: { of: 'value', atMost: 10 },
  });
  return [
    result('npm start to ready, empty data directory', first),
    result('npm start to ready, again', again),
  ];
};
