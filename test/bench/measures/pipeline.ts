import { until } from '../../harness/until.ts';
import { call } from '../http.ts';
import { median, wallClock } from '../stats.ts';
import { countActivities, type Steps } from '../steps.ts';
import type { World } from '../world.ts';
import type { Goal, Result } from '../table.ts';
import type { Measure, MeasureOptions } from './measure.ts';

const PER_ROUND = 6;
/** Only what orchestrating costs: nothing is drawn, nothing is compared, nothing is written twice. */
export const ORCHESTRATION = { research: 'none', image: 'none', quality: { max_revisions: 0 } } as const;
export const NOTHING_COMPUTED = { TASKLOOM_EMBEDDINGS: 'off' } as const;

/** When a row was committed, in milliseconds since the epoch; waits for it. */
const committed = (pool: World['ours'], query: string, values: unknown[]): Promise<number> =>
  until(async () => {
    const { rows } = await pool.query<{ at: number }>(query, values);
    return rows[0]?.at;
  }, 'a row');

const AT = 'extract(epoch from pg_xact_commit_timestamp(xmin))::float8 * 1000 as at';

/** @returns the run's id and the milliseconds it took without the wait for its approval. */
const runOurs = async (
  world: World,
  taskId: string,
  parameters: object,
): Promise<{ id: string; ms: number }> => {
  const startedAt = wallClock();
  const { execution_id: id } = await world.api.post<{ execution_id: string }>('/api/orchestrator/process', {
    task_id: taskId,
    parameters,
  });
  const transition = (name: string): Promise<number> =>
    committed(world.ours, `select ${AT} from run_transitions where run_id = $1 and key like $2`, [
      id,
      `1/%/${name}`,
    ]);
  const waiting = await transition('wait');
  const approvedAt = wallClock();
  await world.api.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
  const completed = await transition('complete');
  return { id, ms: waiting - startedAt + completed - approvedAt };
};

const runFloor = async (world: World, steps: Steps): Promise<number> => {
  const startedAt = wallClock();
  const { id } = await call<{ id: string }>('POST', `${world.floor.url}/start`, {
    body: { name: 'Bench', workflow: 'insertingSteps', args: [steps.before, steps.after] },
  });
  const step = (n: number): Promise<number> =>
    committed(world.bare, `select ${AT} from floor_steps where id = $1 and step = $2`, [id, n]);
  const waiting = await step(steps.before - 1);
  const approvedAt = wallClock();
  await call('POST', `${world.floor.url}/approve/${id}`, { body: {} });
  const completed = await step(steps.before + steps.after - 1);
  return waiting - startedAt + completed - approvedAt;
};

interface Kind {
  readonly what: string;
  readonly parameters: object;
  readonly goal: Goal | null;
}

/** Ours and a bare workflow with as many activities take turns. */
const compare = async (
  world: World,
  { what, parameters, goal }: Kind,
  { rounds, note }: MeasureOptions,
): Promise<Result> => {
  const tasks = await world.api.createTasks(PER_ROUND * (rounds + 1) + 1);
  const first = await runOurs(world, tasks.pop() ?? '', parameters);
  const steps = await countActivities(world, first.id);
  const samples: Record<'ours' | 'floor', number[]> = { ours: [], floor: [] };
  for (let n = 0; n <= rounds; n++) {
    note(`${what}: ${n === 0 ? 'warm-up' : `round ${n} of ${rounds}`}`);
    const ours = [];
    const floor = [];
    for (let i = 0; i < PER_ROUND; i++) {
      floor.push(await runFloor(world, steps));
      ours.push((await runOurs(world, tasks.pop() ?? '', parameters)).ms);
    }
    if (n === 0) continue;
    samples.ours.push(...ours);
    samples.floor.push(...floor);
  }
  return {
    what: `${what}: ${steps.before + steps.after} activities, without the wait for the approval`,
    unit: 'ms',
    ours: median(samples.ours),
    floor: median(samples.floor),
    goal,
  };
};

/**
 * Whole pipelines with a model that answers at once against a bare workflow with as many activities of one insert each.
 * What computes in earnest, embeddings and title card, is no cost of orchestrating: it is measured beside it.
 */
export const measurePipeline: Measure = async (world, options) => {
  const revised = { ...ORCHESTRATION, quality: { threshold: 100, max_revisions: 3 } };
  const alone = await world.worker.with(NOTHING_COMPUTED, async () => [
    await compare(
      world,
      { what: 'pipeline, instant model', parameters: ORCHESTRATION, goal: { of: 'ratio', atMost: 1.3 } },
      options,
    ),
    await compare(
      world,
      { what: 'pipeline, instant model, three revisions', parameters: revised, goal: null },
      options,
    ),
  ]);
  const whole = {
    what: 'pipeline, instant model, three revisions, embeddings, title card',
    parameters: { quality: revised.quality },
    goal: null,
  };
  return [...alone, await compare(world, whole, options)];
};
