import { randomUUID } from 'node:crypto';
import { requireRoleUrls } from '../../../store/setup/urls.ts';
import { wait } from '../../../scripts/services/processes.ts';
import { startPart } from '../child.ts';
import type { Arrivals } from '../parts/watcher.ts';
import { median, quantile } from '../stats.ts';
import type { Result } from '../table.ts';
import type { World } from '../world.ts';
import type { Measure } from './measure.ts';

const UNDER_WAY = 50;
const TICKS_PER_ROUND = 120;
const TICK_MS = 20;
const LOOK_MS = 250;

/** Keeps so many runs under way, until it is stopped. */
const keepBusy = (world: World): { stop(): Promise<void>; ready: Promise<void> } => {
  let stopped = false;
  const ready = Promise.withResolvers<void>();
  const work = async (): Promise<void> => {
    while (!stopped) {
      const { rows } = await world.ours.query<{ n: number }>(
        `select count(*)::int as n from runs where status in ('queued', 'running')`,
      );
      const missing = UNDER_WAY - (rows[0]?.n ?? 0);
      const tasks = await world.api.createTasks(Math.max(missing, 0));
      for (const taskId of tasks)
        await world.api.post('/api/orchestrator/process', {
          task_id: taskId,
          parameters: { model: 'scripted:slow' },
        });
      ready.resolve();
      await wait(LOOK_MS);
    }
  };
  const working = work();
  working.catch(ready.reject);
  return {
    ready: ready.promise,
    stop: async () => {
      stopped = true;
      await working;
    },
  };
};

const compare = (label: string, ours: readonly number[], floor: readonly number[]): Result[] => [
  {
    what: `event to WebSocket, ${label}, median`,
    unit: 'ms',
    ours: median(ours),
    floor: median(floor),
    goal: null,
  },
  {
    what: `event to WebSocket, ${label}, p99`,
    unit: 'ms',
    ours: quantile(ours, 0.99),
    floor: quantile(floor, 0.99),
    goal: { of: 'above', atMost: 50 },
  },
];

/** From the commit of an event to a WebSocket client, with 50 runs under way, against a bare LISTEN client. */
export const measureLive: Measure = async (world, { rounds, note }) => {
  const stream = `run:${randomUUID()}`;
  const emitter = await startPart('emitter', {
    appUrl: requireRoleUrls(world.config).app,
    systemUrl: requireRoleUrls(world.config).system,
    floorUrl: world.floor.databaseUrl,
    workspaceId: world.workspaceId,
    stream,
  });
  // A stream exists from its first event on.
  await emitter.ask({ what: 'emit', n: -1 });
  const watcher = await startPart('watcher', {
    apiUrl: world.api.url,
    token: world.api.token,
    stream,
    floorUrl: world.floor.databaseUrl,
  });
  const busy = keepBusy(world);
  await busy.ready;
  const committed: Record<'emit' | 'notify', Map<number, number>> = { emit: new Map(), notify: new Map() };
  let n = 0;
  for (let round = 0; round < rounds; round++) {
    note(`live: round ${round + 1} of ${rounds}`);
    for (let tick = 0; tick < TICKS_PER_ROUND; tick++) {
      for (const what of ['notify', 'emit'] as const) {
        committed[what].set(++n, await emitter.ask<number>({ what, n }));
        await wait(TICK_MS);
      }
    }
  }
  await busy.stop();
  await wait(500);
  const arrivals = await watcher.ask<Arrivals>({ what: 'arrivals' });
  await Promise.all([watcher.stop(), emitter.stop()]);
  const delays = (sent: Map<number, number>, seen: Record<number, number>): number[] =>
    [...sent].map(([number, at]) => (seen[number] ?? Infinity) - at);
  const floor = delays(committed.notify, arrivals.floor);
  return [
    ...compare("the run's stream", delays(committed.emit, arrivals.stream), floor),
    ...compare('the workspace feed', delays(committed.emit, arrivals.feed), floor),
  ];
};
