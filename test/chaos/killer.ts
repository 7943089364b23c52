import { CRASH_POINTS, type CrashPoint } from '../../platform/crash-points.ts';
import { wait } from '../../scripts/services/processes.ts';
import type { Load } from './load.ts';
import { PARTS, type PartName } from './part.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

const UP_TIMEOUT_MS = 90_000;
const HIT_TIMEOUT_MS = 60_000;
const OPEN_TIMEOUT_MS = 60_000;

/** What the killer did: when, to whom, how. */
export interface Strike {
  readonly at: number;
  readonly part: PartName;
  readonly point: CrashPoint | null;
}

export type Deed =
  { readonly kind: 'kill'; readonly part: PartName } | { readonly kind: 'point'; readonly point: CrashPoint };

/** Each part `kills` times and each point `hits` times, in an order that the seed determines. */
export const planDeeds = (random: Random, kills: number, hits: number): Deed[] => {
  const repeat = <T>(items: readonly T[], times: number): T[] =>
    Array.from({ length: times }, () => items).flat();
  return random.shuffled<Deed>([
    ...repeat(PARTS, kills).map((part) => ({ kind: 'kill' as const, part })),
    ...repeat(CRASH_POINTS, hits).map((point) => ({ kind: 'point' as const, point })),
  ]);
};

const until = async (timeoutMs: number, signal: AbortSignal, holds: () => boolean): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    signal.throwIfAborted();
    if (Date.now() > deadline) return false;
    await wait(20);
  }
  return true;
};

export interface KillerOptions {
  readonly world: World;
  readonly load: Load;
  readonly random: Random;
  readonly deeds: readonly Deed[];
  /** So many pipelines are open at every kill. */
  readonly minOpen: number;
  /** So many should have ended when the last deed is done: the deeds spread over them. */
  readonly spreadOver: number;
  /** A deed waits this long at most for the load to get on. */
  readonly paceMs: number;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
  /** Gets each strike at once, so that none is lost when the killer has to stop. */
  readonly note: (strike: Strike) => void;
}

const kill = async ({ world }: KillerOptions, name: PartName): Promise<Strike> => {
  const part = world.parts[name];
  for (;;) {
    if (!(await part.untilUp(UP_TIMEOUT_MS))) throw new Error(`${name} did not come back`);
    const at = await part.kill();
    if (at !== null) return { at, part: name, point: null };
  }
};

const strikeAt = async ({ world, load, signal }: KillerOptions, point: CrashPoint): Promise<Strike> => {
  const before = new Set(world.deaths().filter(({ cause }) => cause === 'point'));
  const hit = () => world.deaths().find((death) => death.cause === 'point' && !before.has(death));
  world.arm(point);
  // Late in a run every pipeline may wait for its approval: a new one is sure to reach each point.
  load.startReserved();
  const reached = await until(HIT_TIMEOUT_MS, signal, () => hit() !== undefined);
  world.disarm(point);
  const death = hit();
  if (!reached || !death) throw new Error(`nothing reached ${point} within ${HIT_TIMEOUT_MS / 1000} s`);
  return { at: death.at, part: death.part, point };
};

/** Carries out the plan, one deed after the other; parts that were killed come back meanwhile, so deaths overlap. */
export const killAll = async (options: KillerOptions): Promise<void> => {
  const { deeds, load, random, minOpen, spreadOver, signal, report, note } = options;
  for (const [index, deed] of deeds.entries()) {
    const pauseMs = random.between(50, 900);
    const due = Math.floor((index * spreadOver) / deeds.length);
    await until(options.paceMs, signal, () => load.completed >= due);
    await wait(pauseMs);
    if (!(await until(OPEN_TIMEOUT_MS, signal, () => load.surelyOpen >= minOpen)))
      throw new Error(`fewer than ${minOpen} pipelines are open: ${load.surelyOpen}`);
    const strike = await (deed.kind === 'kill' ? kill(options, deed.part) : strikeAt(options, deed.point));
    note(strike);
    const what = strike.point ? `${strike.part} died at ${strike.point}` : `kill -9 ${strike.part}`;
    const clock = new Date(strike.at).toISOString().slice(11, 23);
    report(
      `${clock} ${String(index + 1).padStart(2)}/${deeds.length} ${what.padEnd(36)} ${describeLoad(load)}`,
    );
  }
};

/** The load in a few words. */
export const describeLoad = (load: Load): string =>
  `started ${load.started}, completed ${load.completed}, ${Object.entries(load.byStatus)
    .filter(([status, n]) => status !== 'completed' && n > 0)
    .map(([status, n]) => `${status} ${n}`)
    .join(', ')}`;
