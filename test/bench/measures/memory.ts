import { readdirSync, readFileSync } from 'node:fs';
import type { Result } from '../table.ts';
import type { World } from '../world.ts';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const kilobytes = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);

const rss = (pid: number): number => kilobytes(read(`/proc/${pid}/status`), 'VmRSS') / 1_024;

const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => Number(read(`/proc/${name}/stat`).split(') ')[1]?.split(' ')[1]) === pid)
    .map(Number);

const tree = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(tree)];

/** PostgreSQL's processes share most of what they hold: each counts for its part (PSS). */
const shared = (pid: number): number =>
  tree(pid).reduce((sum, each) => sum + kilobytes(read(`/proc/${each}/smaps_rollup`), 'Pss'), 0) / 1_024;

/** Resident memory of the parts, in megabytes. Linux only: elsewhere there is nothing to read. */
export const readMemory = (world: World, when: string): Result[] => {
  const result = (name: string, ours: number): Result => ({
    what: `memory ${when}: ${name}`,
    unit: 'MB',
    ours,
    floor: null,
    goal: null,
  });
  const parts = [
    result('api', rss(world.api.pid)),
    result('worker', rss(world.worker.pid)),
    result('Temporal', rss(world.temporal.pid)),
    result('PostgreSQL', shared(world.postgres.pid)),
  ];
  return [
    ...parts,
    result(
      'together',
      parts.reduce((sum, { ours }) => sum + ours, 0),
    ),
  ];
};
