import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { openStep } from '../../store/runs/steps.ts';
import { lockRun } from '../../store/runs/transition.ts';
import { openStore } from '../../store/store.ts';
import { sql } from '../../store/sql.ts';
import type { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

/** Figures over rows whose times are known, so that every answer can be worked out by hand. */

let server: TestServer;
let client: ApiClient;
let workspaceId: string;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.signIn();
  const [workspace] = await server.system.many<{ id: string }>(
    sql`select id from workspaces where slug = 'default'`,
  );
  workspaceId = workspace?.id ?? '';
});
afterAll(() => server?.close());

interface Known {
  readonly status?: string;
  readonly kind?: string;
  readonly input?: object;
  /** `null`: it never began. */
  readonly began: string | null;
  readonly ended: string | null;
}

const insertRun = async ({ status = 'completed', kind = 'content', input = {}, began, ended }: Known) => {
  const id = uuidv7();
  await server.system.run(
    sql`insert into runs (id, workspace_id, kind, subject_type, subject_id, status, input, started_at, finished_at)
        values (${id}, ${workspaceId}, ${kind}, 'task', ${uuidv7()}, ${status}, ${JSON.stringify(input)}, ${began}, ${ended})`,
  );
  return id;
};

const insertStep = (runId: string, path: string, began: string, ended: string | null, result: object = {}) =>
  server.system.run(
    sql`insert into run_steps (run_id, workspace_id, path, digest, attempt, status, result, started_at, finished_at)
        values (${runId}, ${workspaceId}, ${path}, 'd', 1, ${ended === null ? 'started' : 'completed'},
                ${ended === null ? null : JSON.stringify(result)}, ${began}, ${ended})`,
  );

const insertApproval = (runId: string, opened: string, decided: string) =>
  server.system.run(
    sql`insert into approvals (id, workspace_id, kind, run_id, attempt, step_path, subject_type, subject_id, revision, status,
                               shown, policy, created_at, decided_at)
        values (${uuidv7()}, ${workspaceId}, 'content', ${runId}, 1, 'approval/1', 'content', ${uuidv7()}, 1, 'approved',
                '{}', '{}', ${opened}, ${decided})`,
  );

const figures = (what: 'statistics' | 'performance-metrics', query: string) =>
  client.get(`/api/workflow/${what}?${query}`);

describe('the statistics of a period', () => {
  const period = 'since=2026-01-10T00:00:00Z&until=2026-01-11T00:00:00Z';

  beforeAll(async () => {
    // 1, 2, 3, 4 and 10 seconds; three of five succeeded. One more was cancelled before it began.
    const at = (second: number): string => `2026-01-10T08:00:${String(second).padStart(2, '0')}Z`;
    await insertRun({ began: at(0), ended: at(1) });
    await insertRun({ began: at(0), ended: at(2) });
    await insertRun({ began: at(0), ended: at(3), status: 'failed' });
    await insertRun({ began: at(0), ended: at(4), input: { start: 'optimize' } });
    await insertRun({ began: at(0), ended: at(10), kind: 'analysis', status: 'cancelled' });
    await insertRun({ began: null, ended: at(10), kind: 'analysis', status: 'cancelled' });
    // Belong to the period by their end, or do not: what ends at its end is of the next.
    await insertRun({ began: '2026-01-09T23:59:58Z', ended: '2026-01-09T23:59:59Z' });
    await insertRun({ began: at(0), ended: '2026-01-11T00:00:00Z' });
    await insertRun({ began: at(0), ended: null, status: 'running' });
  });

  test('are worked out from the runs that ended in it', async () => {
    const { status, body } = await figures('statistics', period);
    expect(status).toBe(200);
    expect(body).toEqual({
      period: { since: '2026-01-10T00:00:00.000Z', until: '2026-01-11T00:00:00.000Z' },
      total_executions: 6,
      completed: 3,
      failed: 1,
      cancelled: 2,
      success_rate: 0.5,
      avg_duration_ms: 4_000,
      median_duration_ms: 3_000,
      // Four fifths of the way from the fourth of the five, 4 s, to the last, 10 s.
      p95_duration_ms: 8_800,
      workflows: [
        {
          name: 'content_creation',
          executions: 3,
          completed: 2,
          failed: 1,
          cancelled: 0,
          success_rate: 0.67,
          avg_duration_ms: 2_000,
        },
        {
          name: 'analysis',
          executions: 2,
          completed: 0,
          failed: 0,
          cancelled: 2,
          success_rate: 0,
          avg_duration_ms: 10_000,
        },
        {
          name: 'optimization',
          executions: 1,
          completed: 1,
          failed: 0,
          cancelled: 0,
          success_rate: 1,
          avg_duration_ms: 4_000,
        },
      ],
    });
  });

  test('include what ended as the period began', async () => {
    const { body } = await figures('statistics', 'since=2026-01-11T00:00:00Z&until=2026-01-12T00:00:00Z');
    expect(body).toMatchObject({ total_executions: 1, avg_duration_ms: 16 * 3_600_000 });
  });

  test('of a time in which nothing ended are not made up', async () => {
    const { body } = await figures('statistics', 'since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z');
    expect(body).toMatchObject({
      total_executions: 0,
      success_rate: null,
      avg_duration_ms: null,
      median_duration_ms: null,
      p95_duration_ms: null,
      workflows: [],
    });
  });

  test('are of the last 30 days when nobody says', async () => {
    const { body } = await figures('statistics', '');
    const { since, until } = body.period;
    expect(Date.parse(until) - Date.parse(since)).toBe(30 * 86_400_000);
    expect(Date.now() - Date.parse(until)).toBeLessThan(60_000);
  });
});

describe('the performance of a period', () => {
  const period = 'since=2026-02-10T00:00:00Z&until=2026-02-10T01:00:00Z';
  const at = (minute: number, second = 0): string =>
    `2026-02-10T00:${String(minute).padStart(2, '0')}:${String(second).padStart(2, '0')}Z`;

  beforeAll(async () => {
    const first = await insertRun({ began: at(0), ended: at(50) });
    await insertRun({ began: at(0), ended: at(59), status: 'failed' });
    await insertRun({ began: at(0), ended: null, status: 'running' });
    await insertStep(first, 'outline.0', at(0), at(0, 4));
    await insertStep(first, 'draft.0/0', at(1), at(1, 10));
    await insertStep(first, 'draft.7b1c/1', at(2), at(2, 30));
    await insertStep(first, 'publish', at(49), at(49, 6));
    await insertStep(first, 'draft.0/9', at(3), null);
    await insertStep(first, 'compose.0', '2026-02-09T23:59:00Z', '2026-02-09T23:59:59Z');
    await insertApproval(first, at(5), at(45));
  });

  test('is worked out from the steps that were finished in it, and waiting stands apart', async () => {
    const { status, body } = await figures('performance-metrics', period);
    expect(status).toBe(200);
    expect(body).toEqual({
      period: { since: '2026-02-10T00:00:00.000Z', until: '2026-02-10T01:00:00.000Z' },
      executions: 2,
      throughput: 0.033333,
      throughput_unit: 'runs_per_minute',
      avg_latency_ms: 12_500,
      // From the third of the four, 10 s, 85 hundredths of the way to the last, 30 s.
      p95_latency_ms: 27_000,
      peak_latency_ms: 30_000,
      busy_ms: 50_000,
      waiting_ms: 40 * 60_000,
      bottleneck: 'draft',
      bottleneck_share: 0.8,
      steps: [
        {
          step_name: 'draft',
          executions: 2,
          busy_ms: 40_000,
          avg_latency_ms: 20_000,
          peak_latency_ms: 30_000,
        },
        {
          step_name: 'publish',
          executions: 1,
          busy_ms: 6_000,
          avg_latency_ms: 6_000,
          peak_latency_ms: 6_000,
        },
        {
          step_name: 'outline',
          executions: 1,
          busy_ms: 4_000,
          avg_latency_ms: 4_000,
          peak_latency_ms: 4_000,
        },
      ],
    });
  });

  test('of a time in which nothing ran has no bottleneck', async () => {
    const { body } = await figures(
      'performance-metrics',
      'since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z',
    );
    expect(body).toMatchObject({
      executions: 0,
      throughput: 0,
      avg_latency_ms: null,
      p95_latency_ms: null,
      peak_latency_ms: null,
      busy_ms: 0,
      waiting_ms: 0,
      bottleneck: null,
      bottleneck_share: null,
      steps: [],
    });
  });

  test.each([
    ['statistics', 'since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z'],
    ['statistics', 'since=2999-01-01T00:00:00Z'],
    ['statistics', 'since=2020-01-01T00:00:00Z&until=2026-01-01T00:00:00Z'],
    ['statistics', 'since=last week'],
    ['statistics', 'until=2016-12-31T23:59:60Z'],
    ['performance-metrics', 'since=2026-01-01T00:00:00Z&until=2026-03-01T00:00:00Z'],
  ] as const)('%s refuses ?%s', async (what, query) => {
    const { status, body } = await figures(what, query);
    expect(status).toBe(400);
    expect(Object.keys(body.fields)[0]).toMatch(/^query\.(since|until)$/);
  });
});

describe('the steps of an execution', () => {
  test('show large outputs in part', async () => {
    const run = await insertRun({ began: '2026-03-01T00:00:00Z', ended: '2026-03-01T00:01:00Z' });
    const result = { heading: 'Long', text: 'word '.repeat(20_000), model: 'a:b' };
    await insertStep(run, 'draft.0/0', '2026-03-01T00:00:00Z', '2026-03-01T00:00:10Z', result);
    await insertStep(run, 'draft.0/1', '2026-03-01T00:00:10Z', null);
    const { body } = await client.get(`/api/workflow/${run}/details`);
    const [long, open] = body.steps;
    expect(long).toMatchObject({ output_truncated: true, output: { heading: 'Long' }, duration_ms: 10_000 });
    expect(JSON.stringify(long.output).length).toBeLessThan(10_100);
    expect(result.text.startsWith(long.output.text.slice(0, -1))).toBe(true);
    expect(open).toMatchObject({
      status: 'started',
      output: null,
      output_truncated: false,
      duration_ms: null,
    });
  });

  test('that a later attempt begins again take only its time', async () => {
    const began = '2026-03-02T00:00:00Z';
    const runId = await insertRun({ began, ended: null, status: 'running' });
    await insertStep(runId, 'draft.0/0', began, null);
    const store = await openStore(server.config.database.app ?? '');
    const open = (attempt: number) =>
      store.write(workerPrincipal(workspaceId), async (tx) => {
        const step = { runId, attempt, path: 'draft.0/0', digest: 'd', title: 'Draft' };
        return openStep(tx, { ...(await lockRun(tx, runId)), attempt }, step);
      });
    const startOf = async (): Promise<string> =>
      (await client.get(`/api/workflow/${runId}/details`)).body.steps[0].started_at;
    try {
      await open(1);
      expect(Date.parse(await startOf())).toBe(Date.parse(began));
      await open(2);
      expect(Date.now() - Date.parse(await startOf())).toBeLessThan(60_000);
    } finally {
      await store.close();
    }
  });
});
