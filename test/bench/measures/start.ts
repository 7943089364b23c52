import { randomUUID } from 'node:crypto';
import { until } from '../../harness/until.ts';
import { wait } from '../../../scripts/services/processes.ts';
import { call } from '../http.ts';
import { median, wallClock } from '../stats.ts';
import { countActivities } from '../steps.ts';
import type { Result } from '../table.ts';
import type { World } from '../world.ts';
import type { Measure, MeasureOptions } from './measure.ts';
import { NOTHING_COMPUTED, ORCHESTRATION } from './pipeline.ts';

const PER_ROUND = 15;
const REST_MS = 60;

interface Sample {
  /** Milliseconds to the answer. */
  readonly answer: number;
  /** Milliseconds from the request to the start of the first activity. */
  readonly begun: number;
}

type Start = () => Promise<{
  id: string;
  answer: number;
  begun: () => Promise<number>;
  rest: () => Promise<unknown>;
}>;

const startOurs =
  (world: World, tasks: string[]): Start =>
  async () => {
    const at = wallClock();
    const body = { task_id: tasks.pop() ?? randomUUID(), parameters: ORCHESTRATION };
    const { execution_id: id } = await world.api.post<{ execution_id: string }>(
      '/api/orchestrator/process',
      body,
    );
    const answer = wallClock() - at;
    const look = async <T>(column: string): Promise<T | undefined> =>
      (await world.ours.query<{ value: T }>(`select ${column} as value from runs where id = $1`, [id]))
        .rows[0]?.value;
    return {
      id,
      answer,
      // The transaction of the first activity, `begin`, says when it began.
      begun: async () =>
        (await until(
          () => look<number | null>('extract(epoch from started_at)::float8 * 1000'),
          'begin',
        ).then(Number)) - at,
      rest: () => until(async () => (await look<string>('status')) === 'waiting', 'the approval'),
    };
  };

const startFloor =
  (world: World, workflow: 'oneStep' | 'insertingSteps', args: readonly number[]): Start =>
  async () => {
    const at = wallClock();
    const body = { name: 'Bench', workflow, args };
    const { id } = await call<{ id: string }>('POST', `${world.floor.url}/start`, { body });
    const answer = wallClock() - at;
    const begun = (): Promise<number> =>
      until(() => world.floor.worker.ask<number | undefined>({ id }), 'the activity').then(
        (began) => began - at,
      );
    return { id, answer, begun, rest: begun };
  };

/** @param idle waits before each until the last one has come to rest; else the next follows at once. */
const round = async (start: Start, idle: boolean): Promise<Sample[]> => {
  const started = [];
  for (let n = 0; n < PER_ROUND; n++) {
    const one = await start();
    started.push(one);
    if (!idle) continue;
    await one.rest();
    await wait(REST_MS);
  }
  const samples = [];
  for (const { answer, begun, rest } of started) {
    samples.push({ answer, begun: await begun() });
    await rest();
  }
  await wait(REST_MS);
  return samples;
};

const compare = (label: string, ours: Sample[], floor: Sample[]): Result[] => {
  const of = (samples: Sample[], key: keyof Sample): number => median(samples.map((sample) => sample[key]));
  return [
    {
      what: `start a pipeline, ${label}: time to answer`,
      unit: 'ms',
      ours: of(ours, 'answer'),
      floor: of(floor, 'answer'),
      goal: { of: 'ratio', atMost: 0.7 },
    },
    {
      what: `start a pipeline, ${label}: request to first activity`,
      unit: 'ms',
      ours: of(ours, 'begun'),
      floor: of(floor, 'begun'),
      goal: { of: 'ratio', atMost: 1.3 },
    },
  ];
};

/**
 * Starting the pipeline against a bare handler that inserts a row and starts a workflow: idle, one with a single no-op
 * activity; one in a row, one with as many inserting activities as our pipeline, since each start meets those before it.
 */
export const measureStart: Measure = (world, options) =>
  world.worker.with(NOTHING_COMPUTED, () => measure(world, options));

const measure = async (world: World, { rounds, note }: MeasureOptions): Promise<Result[]> => {
  const tasks = await world.api.createTasks(2 * PER_ROUND * (rounds + 1) + 1);
  const ours = startOurs(world, tasks);
  const first = await ours();
  await first.rest();
  const { before, after } = await countActivities(world, first.id);
  const results: Result[] = [];
  for (const idle of [true, false]) {
    const floor = idle
      ? startFloor(world, 'oneStep', [])
      : startFloor(world, 'insertingSteps', [before, after]);
    const starts = { ours, floor };
    const samples: Record<'ours' | 'floor', Sample[]> = { ours: [], floor: [] };
    for (let n = 0; n <= rounds; n++) {
      note(`start, ${idle ? 'idle' : 'in a row'}: ${n === 0 ? 'warm-up' : `round ${n} of ${rounds}`}`);
      for (const side of ['floor', 'ours'] as const) {
        const taken = await round(starts[side], idle);
        if (n > 0) samples[side].push(...taken);
      }
    }
    results.push(...compare(idle ? 'idle' : 'one in a row', samples.ours, samples.floor));
  }
  return results;
};
