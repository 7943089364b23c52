import { measureAudit } from './measures/audit.ts';
import { measureLimits } from './measures/limits.ts';
import { measureLists, LARGE, SMALL } from './measures/lists.ts';
import { measureLive } from './measures/live.ts';
import type { Measure } from './measures/measure.ts';
import { readMemory } from './measures/memory.ts';
import { measurePipeline } from './measures/pipeline.ts';
import { measureRead } from './measures/read.ts';
import { measureReady } from './measures/ready.ts';
import { measureStart } from './measures/start.ts';
import { measureTokens } from './measures/tokens.ts';
import { measureTiming } from './measures/timing.ts';
import { judge, type Judged, type Result } from './table.ts';
import { startWorld } from './world.ts';

/** In the order in which they run: the lists fill the disk's cache with a million rows, so they come late. */
const MEASURES = {
  start: measureStart,
  pipeline: measurePipeline,
  tokens: measureTokens,
  read: measureRead,
  limits: measureLimits,
  timing: measureTiming,
  live: measureLive,
  audit: measureAudit,
  lists: measureLists,
} as const satisfies Record<string, Measure>;

const OTHERS = ['memory', 'ready'] as const;
export const NAMES: readonly string[] = [...Object.keys(MEASURES), ...OTHERS];

export interface BenchOptions {
  /** What to measure; all of it when empty. */
  readonly only: readonly string[];
  readonly rounds: number;
  readonly rows: number;
  readonly note: (line: string) => void;
  /** Gets a way to end what was started, whenever something is. */
  readonly onClose: (close: () => Promise<void>) => void;
}

const measureWorld = async (
  options: BenchOptions,
  wants: (name: string) => boolean,
  attempt: Attempt,
): Promise<Result[]> => {
  const { rounds, rows, note } = options;
  const chosen = Object.entries(MEASURES).filter(([name]) => wants(name));
  if (chosen.length === 0 && !wants('memory')) return [];
  note('starting PostgreSQL, Temporal, API, worker and the floors');
  const world = await startWorld(wants('lists') ? [SMALL, LARGE] : [], note, options.onClose);
  try {
    const results: Result[] = [];
    const idle = wants('memory') ? readMemory(world, 'idle') : [];
    for (const [name, measure] of chosen)
      results.push(...(await attempt(name, () => measure(world, { rounds, rows, note }))));
    return [...results, ...idle, ...(wants('memory') ? readMemory(world, 'after load') : [])];
  } finally {
    await world.close();
  }
};

type Attempt = (name: string, work: () => Promise<Result[]>) => Promise<Result[]>;

/**
 * Measures Taskloom beside its floors: the same work, bare, on the same machine in the same minutes, in interleaved rounds
 * after a warm-up. One that fails does not keep the others from being measured.
 */
export const runBench = async (options: BenchOptions): Promise<{ results: Judged[]; failed: string[] }> => {
  const { only, note } = options;
  const wants = (name: string): boolean => only.length === 0 || only.includes(name);
  const failed: string[] = [];
  const attempt: Attempt = async (name, work) => {
    const beganAt = performance.now();
    try {
      const results = await work();
      note(`${name}: done in ${((performance.now() - beganAt) / 1_000).toFixed(0)} s`);
      return results;
    } catch (error) {
      failed.push(name);
      note(`${name}: FAILED: ${(error as Error).stack ?? String(error)}`);
      return [];
    }
  };
  const results = await measureWorld(options, wants, attempt);
  if (wants('ready')) results.push(...(await attempt('ready', () => measureReady(note, options.onClose))));
  return { results: results.map(judge), failed };
};
