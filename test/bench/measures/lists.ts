import type { Api } from '../api.ts';
import { FIRST_RUN, FIRST_TASK, seed } from '../seed.ts';
import { median } from '../stats.ts';
import type { Measure } from './measure.ts';

export const SMALL = 'bench_small';
export const LARGE = 'bench_large';
const SMALL_ROWS = 1_000;
const PER_ROUND = 12;

/** The lists that people and programs look at; `after` is a position near the log's middle. */
const paths = (after: number): string[] => [
  '/api/tasks?limit=20',
  '/api/tasks?limit=20&status=completed',
  '/api/tasks?limit=20&status=failed',
  '/api/tasks?limit=20&sort_by=updated_at',
  '/api/tasks?limit=20&sort_by=status',
  '/api/tasks?limit=20&offset=500',
  '/api/v1/runs?limit=20',
  '/api/v1/runs?limit=20&status=waiting',
  '/api/v1/runs?limit=20&status=completed',
  '/api/v1/runs?limit=20&kind=content&status=failed',
  `/api/v1/runs/${FIRST_RUN}/events?limit=20`,
  '/api/v1/approvals?limit=20',
  '/api/v1/approvals?limit=20&status=open',
  '/api/v1/approvals?limit=20&kind=content&status=approved',
  '/api/orchestrator/history?limit=20',
  '/api/workflow/history?limit=20',
  '/api/workflow/history?limit=20&offset=500',
  '/api/workflow/history?limit=20&status=failure',
  '/api/workflow/history?limit=20&workflow_name=optimization',
  `/api/workflow/${FIRST_TASK}/history?limit=20`,
  '/api/content?limit=20',
  '/api/content?limit=20&status=draft',
  '/api/content?limit=20&status=published',
  '/api/posts?limit=20',
  '/api/models?limit=20',
  '/api/models/list?limit=20',
  '/api/models-list?limit=20',
  `/api/v1/events?limit=20&after=${after}`,
];

const time = async (api: Api, path: string): Promise<number[]> => {
  const samples: number[] = [];
  for (let n = 0; n < PER_ROUND; n++) {
    const beganAt = performance.now();
    await api.get(path);
    samples.push(performance.now() - beganAt);
  }
  return samples;
};

/** Every list with a thousand rows of everything and with a million: growth must not be felt. */
export const measureLists: Measure = async (world, { rounds, rows, note }) => {
  note(`lists: filling ${SMALL_ROWS} and ${rows} rows`);
  await seed(world.databaseUrl(SMALL), SMALL_ROWS);
  await seed(world.databaseUrl(LARGE), rows);
  const small = await world.startApi(world.databaseUrl(SMALL));
  const large = await world.startApi(world.databaseUrl(LARGE));
  try {
    const sides = [
      { api: small, paths: paths(SMALL_ROWS / 2) },
      { api: large, paths: paths(Math.floor(rows / 2)) },
    ];
    const results = [];
    for (const [index, path] of paths(SMALL_ROWS / 2).entries()) {
      note(`lists: ${path}`);
      const samples: [number[], number[]] = [[], []];
      for (let round = 0; round <= rounds; round++)
        for (const [side, { api, paths: own }] of sides.entries()) {
          const taken = await time(api, own[index] ?? path);
          if (round > 0) samples[side as 0 | 1].push(...taken);
        }
      results.push({
        what: `GET ${path.replace(/after=.*/, 'after=…')}, ${rows} rows against ${SMALL_ROWS}`,
        unit: 'ms' as const,
        ours: median(samples[1]),
        floor: median(samples[0]),
        goal: { of: 'ratio' as const, atMost: 1.3 },
      });
    }
    return results;
  } finally {
    await Promise.all([small.stop(), large.stop()]);
  }
};
