import { startPart, type Child } from '../child.ts';
import { call } from '../http.ts';
import type { GuardedSettings } from '../parts/guarded.ts';
import { median } from '../stats.ts';
import type { Result } from '../table.ts';
import type { World } from '../world.ts';
import type { Measure } from './measure.ts';

/** One after the other, in turn: what disturbs one side disturbs all. */
const REQUESTS = 1_500;

/** Far more than are sent: what costs is the counting. */
const COUNTED = { TASKLOOM_RATE_LIMIT_PER_MINUTE: '100000000', TASKLOOM_RATE_LIMIT_PER_HOUR: '100000000' };
const UNCOUNTED = { TASKLOOM_RATE_LIMIT_PER_MINUTE: '0', TASKLOOM_RATE_LIMIT_PER_HOUR: '0' };

/** The same operations with all guards, without limits, and without any. */
const SIDES = {
  guarded: { identity: true, env: COUNTED, isolated: true },
  unlimited: { identity: true, env: UNCOUNTED, isolated: true },
  open: { identity: false, env: UNCOUNTED, isolated: false },
} as const;
type Side = keyof typeof SIDES;
const NAMES = Object.keys(SIDES) as Side[];

const start = async (world: World, side: Side): Promise<{ url: string; part: Child }> => {
  const { identity, env, isolated } = SIDES[side];
  const settings: GuardedSettings = {
    identity,
    token: world.api.token,
    // The superuser is under no row security.
    env: { ...world.apiEnv, ...env, ...(isolated ? {} : { TASKLOOM_DATABASE_APP_URL: world.postgres.url }) },
  };
  const part = await startPart('guarded', settings);
  return { part, url: await part.ask<string>({ what: 'url' }) };
};

/** @returns milliseconds of each request by side. */
const round = async (
  urls: Readonly<Record<Side, string>>,
  tasks: readonly string[],
  token: string,
): Promise<Record<Side, number[]>> => {
  const times: Record<Side, number[]> = { guarded: [], unlimited: [], open: [] };
  for (let n = 0; n < REQUESTS; n++)
    for (let turn = 0; turn < NAMES.length; turn++) {
      // Nobody is always the one who comes after the same other.
      const side = NAMES[(n + turn) % NAMES.length] ?? 'open';
      const beganAt = performance.now();
      await call('GET', `${urls[side]}/api/tasks/${tasks[n % tasks.length]}`, { token });
      times[side].push(performance.now() - beganAt);
    }
  return times;
};

/**
 * What a warm authenticated read spends on limits, and on identity, limits and isolation together, beyond the same request
 * without them.
 */
export const measureLimits: Measure = async (world, { rounds, note }) => {
  const tasks = await world.api.createTasks(50);
  const started: { url: string; part: Child }[] = [];
  try {
    for (const side of NAMES) started.push(await start(world, side));
    const urls = Object.fromEntries(NAMES.map((side, i) => [side, started[i]?.url])) as Record<Side, string>;
    const medians: Record<Side, number[]> = { guarded: [], unlimited: [], open: [] };
    for (let n = 0; n <= rounds; n++) {
      note(`limits: ${n === 0 ? 'warm-up' : `round ${n} of ${rounds}`}`);
      const times = await round(urls, tasks, world.api.token);
      if (n > 0) for (const side of NAMES) medians[side].push(median(times[side]));
    }
    const compare = (what: string, floor: Side, atMost: number): Result => ({
      what: `GET /api/tasks/{id}, one at a time, ${what}`,
      unit: 'ms',
      ours: median(medians.guarded),
      floor: median(medians[floor]),
      goal: { of: 'above', atMost },
    });
    return [
      compare('against the same without rate limits', 'unlimited', 0.1),
      compare('against the same without identity, limits and isolation', 'open', 0.3),
    ];
  } finally {
    for (const { part } of started) await part.stop();
  }
};
