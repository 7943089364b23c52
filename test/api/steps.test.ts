import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { createGateActivities } from '../../activities/content/gates.ts';
import type { ActivityDeps } from '../../activities/runtime.ts';
import { settleUsage } from '../../activities/models/payment.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { createLogger } from '../../platform/logger.ts';
import { openTemporalClient } from '../../platform/temporal/connect.ts';
import { lockBudgets, reserve, type Reservation } from '../../store/budgets/reservations.ts';
import { settle } from '../../store/budgets/settlement.ts';
import { byPerson, createContent } from '../../store/content/content.repository.ts';
import { closeStep, failStep, openStep, type StepRef, type Usage } from '../../store/runs/steps.ts';
import { lockRun } from '../../store/runs/transition.ts';
import { openStore, sql, type Store, type Writer } from '../../store/store.ts';
import { reconcile } from '../../worker/reconciler.ts';
import type { ApiClient } from '../harness/client.ts';
import { startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

const MODEL = { provider: 'openai', model: 'double' };
const AMOUNT = 5_000;

let server: TestServer;
let client: ApiClient;
let store: Store;
let temporal: Client;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.signIn();
  store = await openStore(server.config.database.app ?? '');
  temporal = openTemporalClient();
});
afterAll(async () => {
  await temporal?.connection.close();
  await store?.close();
  await server?.close();
});

/** A run that a worker has begun; the test is the worker. */
const beginRun = async (topic: string) => {
  const { runId } = await startPipeline(client, topic, { budget_usd: 1 });
  const [run] = await server.system.many<{ workspace_id: string }>(
    sql`update runs set status = 'running' where id = ${runId} returning workspace_id`,
  );
  const step: StepRef = { runId, attempt: 1, path: 'outline.0', digest: 'd', title: 'Outline' };
  const write = <T>(fn: (tx: Writer) => Promise<T>): Promise<T> =>
    store.write(workerPrincipal(run?.workspace_id ?? ''), fn);
  return { runId, step, write };
};

type Begun = Awaited<ReturnType<typeof beginRun>>;

const open = ({ runId, step, write }: Begun): Promise<number> =>
  write(async (tx) => {
    const opened = await openStep(tx, await lockRun(tx, runId), step, MODEL);
    return opened.state === 'open' ? opened.call : 0;
  });

const pay = ({ runId, step, write }: Begun): Promise<Reservation> =>
  write(async (tx) => {
    await lockRun(tx, runId);
    const paid = reserve(tx, step, await lockBudgets(tx, runId), AMOUNT);
    if (!('reservation' in paid) || paid.reservation === null) throw new Error('there is a budget');
    return paid.reservation;
  });

const used = (costMicros: number): Usage => ({
  ...MODEL,
  tokensIn: 10,
  tokensOut: 10,
  tokensCached: 0,
  costMicros,
  latencyMs: 1,
  inDoubt: false,
});

const rowsOf = async ({ runId }: Begun) => {
  const one = async (query: ReturnType<typeof sql>) =>
    (await server.system.many<Record<string, unknown>>(query))[0];
  return {
    step: await one(
      sql`select status, calls, in_doubt, error->>'code' as code from run_steps where run_id = ${runId}`,
    ),
    ledger: await one(
      sql`select count(*)::integer as rows, count(*) filter (where in_doubt)::integer as in_doubt from usage_ledger where run_id = ${runId}`,
    ),
    budget: await one(
      sql`select spent_micros as spent, reserved_micros as reserved from budgets where run_id = ${runId}`,
    ),
    run: await one(sql`select in_doubt from runs where id = ${runId}`),
  };
};

const error = { code: 'interrupted', message: 'It was interrupted.' };

describe('a worker that was taken for dead', () => {
  test('and fails does not end the step that another has begun again', async () => {
    const begun = await beginRun('Two workers, one fails');
    const first = await open(begun);
    expect([first, await open(begun)]).toEqual([1, 2]);
    await begun.write((tx) => failStep(tx, begun.step, { call: first, error, usage: [] }));
    await begun.write((tx) =>
      closeStep(tx, begun.step, { result: { by: 'the second' }, usage: [used(100)], progress: { to: 10 } }),
    );
    expect(await rowsOf(begun)).toMatchObject({
      step: { status: 'completed', calls: 2, in_doubt: 1, code: null },
      ledger: { rows: 2, in_doubt: 1 },
      run: { in_doubt: 1 },
    });
  });

  test('and brings an answer after all spares the one who failed meanwhile', async () => {
    const begun = await beginRun('Two workers, the first is slow');
    await open(begun);
    const second = await open(begun);
    await begun.write((tx) => failStep(tx, begun.step, { call: second, error, usage: [] }));
    await begun.write((tx) =>
      closeStep(tx, begun.step, { result: { by: 'the first' }, progress: { to: 10 } }),
    );
    expect(await open(begun)).toBe(0);
    expect(await rowsOf(begun)).toMatchObject({ step: { status: 'completed', calls: 2, code: null } });
  });
});

describe('a reservation', () => {
  test('is settled once, whoever comes second', async () => {
    const begun = await beginRun('Settled twice');
    const reservation = await pay(begun);
    const end = (cost: number): Promise<void> =>
      begun.write((tx) => settle(tx, begun.runId, reservation, { cost }));
    await Promise.all([end(900), end(900), end(900)]);
    await begun.write((tx) => settle(tx, begun.runId, reservation, 'in_doubt'));
    expect(await rowsOf(begun)).toMatchObject({ budget: { spent: 900, reserved: 0 } });
  });

  test('or a call without one is charged to a month’s budget that was set while it was under way', async () => {
    const begun = await beginRun('A limit in mid-call');
    const reservation = await pay(begun);
    const setMonth = (limit: number | null) =>
      client.request('PUT', '/api/v1/budgets/month', { limit_usd: limit });
    const before = (await setMonth(1)).body.spent_usd;
    await begun.write((tx) => settle(tx, begun.runId, reservation, { cost: 900 }));
    await begun.write((tx) => settleUsage(tx, begun.runId, null, [used(300)]));
    const spent = async (): Promise<number> =>
      (await client.get('/api/v1/budgets/month')).body.spent_usd - before;
    expect(await spent()).toBeCloseTo(0.0012, 6);
    const across = await pay(begun);
    await setMonth(null);
    await setMonth(1);
    const again = await spent();
    await begun.write((tx) => settle(tx, begun.runId, across, { cost: 800 }));
    expect((await spent()) - again).toBeCloseTo(0.0008, 6);
    await setMonth(null);
  });

  test('of a worker that died before its run was cancelled is cleared up: in doubt, and the step has failed', async () => {
    const begun = await beginRun('Nobody comes back');
    await pay(begun);
    await open(begun);
    expect((await client.post(`/api/v1/runs/${begun.runId}/cancel`)).body.status).toBe('cancelled');
    const look = () =>
      reconcile({ system: server.system, store, client: temporal, log: createLogger('test', 'silent') });
    await look();
    // A worker that lives has some seconds to tell the end of its call.
    expect(await rowsOf(begun)).toMatchObject({ step: { status: 'started' }, budget: { reserved: AMOUNT } });
    await server.system.run(
      sql`update runs set finished_at = now() - interval '1 minute' where id = ${begun.runId}`,
    );
    await look();
    await look();
    expect(await rowsOf(begun)).toMatchObject({
      step: { status: 'failed', calls: 1, in_doubt: 1, code: 'interrupted' },
      ledger: { rows: 1, in_doubt: 1 },
      budget: { spent: AMOUNT, reserved: 0 },
      run: { in_doubt: 1 },
    });
    const { items } = (await client.get(`/api/v1/runs/${begun.runId}/events`)).body;
    expect(items.at(-1)).toMatchObject({
      type: 'step.failed',
      data: { step: 'outline.0', error: { code: 'interrupted' } },
    });
  });
});

describe('a gate', () => {
  test('whose verdict came between two tries of its step is passed', async () => {
    const { runId, step, write } = await beginRun('Decided at once');
    const input = { run_id: runId, attempt: 1, workspace_id: '', gate: 1, content_id: '' };
    const contentId = await write((tx) =>
      createContent(tx, {
        taskId: null,
        createdBy: null,
        category: null,
        tags: [],
        draft: {
          title: 'T',
          body: 'B',
          excerpt: null,
          featuredImageUrl: null,
          seoTitle: null,
          seoDescription: null,
        },
        origin: byPerson(null),
      }),
    );
    const [run] = await server.system.many<{ workspace_id: string }>(
      sql`select workspace_id from runs where id = ${step.runId}`,
    );
    const { requestApproval } = createGateActivities({ store, reach: () => {} } as unknown as ActivityDeps);
    const where = { ...input, workspace_id: run?.workspace_id ?? '', content_id: contentId };
    expect(await requestApproval(where)).toMatchObject({ status: 'open' });
    const { items } = (await client.get('/api/v1/approvals?status=open')).body;
    const { status } = await client.post(`/api/v1/approvals/${items[0].id}/decide`, {
      decision: 'approve',
      revision: 1,
    });
    expect(status).toBe(200);
    // The worker died before Temporal had heard of the gate; the signal of the verdict is older than the second try.
    expect(await requestApproval(where)).toMatchObject({ status: 'approved', revision: 1 });
    expect((await client.get(`/api/v1/runs/${runId}`)).body.status).toBe('running');
  });
});
