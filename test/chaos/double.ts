import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stopChild, whenExited } from '../../scripts/services/processes.ts';

const SCRIPT = fileURLToPath(new URL('../doubles/model-double.ts', import.meta.url));

/** A model vendor in a process of its own, which nobody kills: it is the witness. */
export const startDouble = async (folder: string) => {
  const logFile = join(folder, 'double.jsonl');
  const args = [SCRIPT, '--port', '0', '--min-ms', '50', '--max-ms', '1000', '--log', logFile];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = whenExited(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    url: line.replace('listening on ', ''),
    logFile,
    stop: () => stopChild(child, exited, [{ signal: 'SIGKILL', graceMs: 5_000 }]),
  };
};

/** One call as the vendor saw it. Times are milliseconds since the epoch. */
export interface VendorCall {
  readonly id: number;
  readonly promptSha256: string;
  readonly status: 'answered' | 'aborted';
  readonly beganAt: number;
  readonly endedAt: number;
}

/** The double's log: every call that ended, in the order in which they began. */
export const readCalls = (logFile: string): VendorCall[] => {
  if (!existsSync(logFile)) return [];
  const lines = readFileSync(logFile, 'utf8').split('\n').filter(Boolean);
  return lines
    .map((line) => {
      const { at, latency_ms, ...call } = JSON.parse(line) as VendorCall & { at: string; latency_ms: number };
      const beganAt = Date.parse(at);
      return { ...call, beganAt, endedAt: beganAt + latency_ms };
    })
    .toSorted((a, b) => a.id - b.id);
};
