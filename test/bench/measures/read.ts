import { startPart } from '../child.ts';
import { median } from '../stats.ts';
import type { LoadRequest } from '../parts/load.ts';
import type { Measure } from './measure.ts';

const TASKS = 50;
const CONNECTIONS = 20;
const ROUND_MS = 2_500;

/** One authenticated, validated, isolated read by id against bare Express with `pg` doing the same by primary key. */
export const measureRead: Measure = async (world, { rounds, note }) => {
  const tasks = await world.api.createTasks(TASKS);
  const { rows } = await world.bare.query<{ id: string }>(
    `insert into floor_rows (id, name, status) select gen_random_uuid(), 'Bench ' || n, 'queued' from generate_series(1, $1) n returning id`,
    [TASKS],
  );
  const load = await startPart('load', {});
  const sides: Record<'floor' | 'ours', LoadRequest> = {
    floor: {
      urls: rows.map(({ id }) => `${world.floor.url}/rows/${id}`),
      token: null,
      connections: CONNECTIONS,
      ms: ROUND_MS,
    },
    ours: {
      urls: tasks.map((id) => `${world.api.url}/api/tasks/${id}`),
      token: world.api.token,
      connections: CONNECTIONS,
      ms: ROUND_MS,
    },
  };
  const rates: Record<'floor' | 'ours', number[]> = { floor: [], ours: [] };
  for (let n = 0; n <= rounds; n++) {
    note(`read: ${n === 0 ? 'warm-up' : `round ${n} of ${rounds}`}`);
    for (const side of ['floor', 'ours'] as const) {
      const rate = await load.ask<number>(sides[side]);
      if (n > 0) rates[side].push(rate);
    }
  }
  await load.stop();
  return [
    {
      what: `GET /api/tasks/{id}, ${CONNECTIONS} connections`,
      unit: 'requests/s',
      ours: median(rates.ours),
      floor: median(rates.floor),
      goal: { of: 'ratio', atLeast: 0.33 },
    },
  ];
};
