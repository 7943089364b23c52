import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';

/** The moments at which a death is hardest to survive; the chaos test kills the process at each of them. */
export const CRASH_POINTS = [
  'answer/commit',
  'answer/acknowledgement',
  'commit/acknowledgement',
  'outbox/start',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

export type ReachCrashPoint = (point: CrashPoint) => void;

export const crashPointFile = (folder: string, point: CrashPoint): string =>
  join(folder, point.replace('/', '-'));

/**
 * In the test environment, a file named after the point in `<dataDir>/crash` kills the process that reaches it first.
 * Elsewhere this does nothing at all.
 */
export const createCrashPoints = (config: Pick<Config, 'environment' | 'dataDir'>): ReachCrashPoint => {
  if (config.environment !== 'test') return () => {};
  const folder = join(config.dataDir, 'crash');
  return (point) => {
    try {
      unlinkSync(crashPointFile(folder, point));
    } catch {
      return;
    }
    process.kill(process.pid, 'SIGKILL');
  };
};
