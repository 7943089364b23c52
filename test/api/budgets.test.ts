import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { startImageDouble } from '../doubles/image-double.ts';
import { startModelDouble } from '../doubles/model-double.ts';
import {
  billOf,
  decideGate,
  FIVE_CALLS,
  openGates,
  PRICES,
  readBooks,
  type Gate,
} from '../harness/budgets.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

/** Enough for an outline's reservation, and for no section's. */
const OUTLINE_ONLY_USD = 0.004;
const PICTURE_MICROS = 40_000;

let double: Awaited<ReturnType<typeof startModelDouble>>;
let images: Awaited<ReturnType<typeof startImageDouble>>;
let server: TestServer;
let client: ApiClient;
let topics = 0;

beforeAll(async () => {
  double = await startModelDouble();
  images = await startImageDouble();
  server = await startTestServer({
    model: 'openai:double-0.5b',
    openaiApiKey: 'x',
    openaiBaseUrl: `${double.url}/v1`,
    imageModel: 'compatible:painter',
    imageBaseUrl: `${images.url}/v1`,
    imagePrice: String(PICTURE_MICROS / 1e6),
    ...PRICES,
  });
  client = await server.signIn();
  await server.startWorker();
});
afterAll(async () => {
  await server?.close();
  await images?.close();
  await double?.close();
});
afterEach(async () => {
  await setMonth(null);
});

const setMonth = async (limit: number | null) =>
  (await client.request('PUT', '/api/v1/budgets/month', { limit_usd: limit })).body;
const readMonth = async () => (await client.get('/api/v1/budgets/month')).body;
const readRun = async (id: string) => (await client.get(`/api/v1/runs/${id}`)).body;
const start = (parameters: object) =>
  startPipeline(client, `Article on money ${++topics}`, { ...FIVE_CALLS, ...parameters });

const gateOf = (runId: string): Promise<Gate> =>
  until(async () => (await openGates(client)).find(({ run_id }) => run_id === runId), 'a budget’s approval');

interface ReservationFacts {
  readonly step_path: string;
  readonly state: string;
  readonly amount: number;
  readonly cost: number;
  readonly budgets: number;
}

const reservationsOf = (runId: string): Promise<ReservationFacts[]> =>
  server.system.many(
    sql`select step_path, state, amount_micros as amount, cost_micros as cost, cardinality(budget_ids) as budgets
          from budget_reservations where run_id = ${runId} order by created_at`,
  );

const eventsOf = async (runId: string, type: string) =>
  (await client.get(`/api/v1/runs/${runId}/events?limit=500`)).body.items.filter(
    (event: { type: string }) => event.type === type,
  );

describe('a run with a budget of its own', () => {
  test('waits where it ends, for somebody who may raise it, and by more than nothing', async () => {
    const { taskId, runId } = await start({ budget_usd: OUTLINE_ONLY_USD });
    const gate = await gateOf(runId);
    const run = await readRun(runId);
    expect(run).toMatchObject({
      status: 'waiting',
      budget: { limit_usd: OUTLINE_ONLY_USD, reserved_usd: 0 },
    });
    expect(run.budget.spent_usd).toBeCloseTo(run.cost_usd, 6);
    expect(gate.shown).toMatchObject({ scope: 'run', limit_usd: OUTLINE_ONLY_USD });
    const editor = await server.signIn({ email: 'writer@example.com', role: 'editor' });
    expect(await decideGate(editor, gate, 'approve')).toMatchObject({ status: 403 });
    expect(await decideGate(client, gate, 'approve', { limit_usd: OUTLINE_ONLY_USD })).toMatchObject({
      status: 422,
    });
    expect(await decideGate(client, gate, 'approve', { limit_usd: 0.05 })).toMatchObject({ status: 200 });
    await awaitApproval(client, taskId);
    expect(await openGates(client)).toEqual([]);
    expect((await readRun(runId)).budget).toMatchObject({ limit_usd: 0.05, reserved_usd: 0, overrun_usd: 0 });
  });

  test('asks nobody while its calls wait only for what its others have set aside', async () => {
    // Two sections fit at a time, by their reservations; all four by what they cost.
    const { taskId, runId } = await start({ budget_usd: 0.011 });
    await awaitApproval(client, taskId);
    expect(await openGates(client)).toEqual([]);
    const { budget, cost_usd: cost } = await readRun(runId);
    expect(budget).toMatchObject({ limit_usd: 0.011, reserved_usd: 0, overrun_usd: 0 });
    expect(budget.spent_usd).toBeCloseTo(cost, 6);
  });

  test('ends when it is refused, also when room comes meanwhile; tried again it pays for nothing twice', async () => {
    const { taskId, runId } = await start({ budget_usd: OUTLINE_ONLY_USD });
    const gate = await gateOf(runId);
    await server.system.run(sql`update budgets set limit_micros = 1000000 where run_id = ${runId}`);
    expect((await decideGate(client, gate, 'reject')).status).toBe(200);
    expect(await awaitEnd(client, runId)).toMatchObject({
      status: 'failed',
      error: { code: 'budget_refused' },
    });
    expect((await client.post(`/api/v1/runs/${runId}/retry`)).status).toBe(200);
    await awaitApproval(client, taskId);
    const reserved = await reservationsOf(runId);
    expect(reserved.map(({ step_path, state }) => `${step_path} ${state}`).toSorted()).toEqual([
      'draft.0/0 settled',
      'draft.0/1 settled',
      'draft.0/2 settled',
      'draft.0/3 settled',
      'outline.0 settled',
    ]);
  });

  test('can ask only a model with a price', async () => {
    const { runId } = await start({ budget_usd: 1, model: 'openai:another-0.5b' });
    const run = await awaitEnd(client, runId);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'model_without_price' } });
    expect(run.error.message).toContain('TASKLOOM_MODEL_INPUT_USD_PER_MTOK');
    expect(await reservationsOf(runId)).toEqual([]);
  });

  test('pays from the month’s as well', async () => {
    await setMonth(1);
    const before = (await readMonth()).spent_usd;
    const { taskId, runId } = await start({ budget_usd: 0.5 });
    await awaitApproval(client, taskId);
    for (const { state, budgets } of await reservationsOf(runId))
      expect([state, budgets]).toEqual(['settled', 2]);
    const { budget } = await readRun(runId);
    expect((await readMonth()).spent_usd - before).toBeCloseTo(budget.spent_usd, 6);
    expect(budget.spent_usd).toBeGreaterThan(0);
  });
});

describe('a month’s budget', () => {
  test('that is taken away frees those who wait', async () => {
    const spent = (await readMonth()).spent_usd;
    await setMonth(spent + OUTLINE_ONLY_USD);
    const runs = [await start({}), await start({})];
    await Promise.all(runs.map(({ runId }) => gateOf(runId)));
    await setMonth(null);
    for (const { taskId, runId } of runs) {
      await awaitApproval(client, taskId);
      const gates = await server.system.many<{ status: string }>(
        sql`select status from approvals where run_id = ${runId} and kind = 'budget'`,
      );
      expect(new Set(gates.map(({ status }) => status))).toEqual(new Set(['cancelled']));
    }
  });

  test('that a bill exceeds is booked in full, shown, and stops what comes after', async () => {
    const spent = (await readMonth()).spent_usd;
    await setMonth(spent + 0.05);
    // A million tokens of the answer where 120 were asked for.
    const text = 'First things first\nWhat comes second\nA third matter\nThe fourth and last';
    double.next({ kind: 'text', text, billed: { input: 100, output: 1_000_000 } });
    const calls = double.calls.length;
    const { runId } = await start({});
    await gateOf(runId);
    expect(double.calls.length).toBe(calls + 1);
    const billed = billOf(double.calls.slice(calls));
    const month = await readMonth();
    expect(month).toMatchObject({ reserved_usd: 0, left_usd: 0 });
    expect(month.spent_usd - spent).toBeCloseTo(billed / 1e6, 5);
    expect(month.overrun_usd).toBeCloseTo(billed / 1e6 - 0.05, 5);
    const [overrun] = await eventsOf(runId, 'budget.overrun');
    expect(overrun.data).toMatchObject({ billed_micros: billed });
    const next = await start({});
    await gateOf(next.runId);
    expect(double.calls.length).toBe(calls + 1);
    for (const id of [runId, next.runId]) await client.post(`/api/v1/runs/${id}/cancel`);
    expect(await openGates(client)).toEqual([]);
    if (process.argv.some((arg) => arg.includes('api/budgets')))
      console.log(
        `limit $${spent + 0.05}, billed at once $${billed / 1e6}, overrun $${month.overrun_usd}, 1 call`,
      );
    // What was billed by mistake is no matter of the tests that follow.
    await server.system.run(sql`delete from usage_ledger where run_id = ${runId}`);
  });

  test('of the last month pays for what began in it', async () => {
    await setMonth(1);
    double.next({ kind: 'hang', text: 'It begins in one month and' });
    const { runId } = await start({});
    const amount = await until(async () => (await reservationsOf(runId))[0]?.amount, 'a reservation');
    await until(async () => double.calls.at(-1)?.status === 'open' && double.calls.at(-1), 'the call');
    const [before] = await readBooks(server, 'month');
    await server.system.run(sql`update budgets set month = month - interval '1 month' where scope = 'month'`);
    await client.post(`/api/v1/runs/${runId}/cancel`);
    const { taskId } = await start({});
    await awaitApproval(client, taskId);
    await until(async () => (await reservationsOf(runId))[0]?.state === 'in_doubt', 'the end of the call');
    const rows = await server.system.many<{ spent: number; reserved: number }>(
      sql`select spent_micros as spent, reserved_micros as reserved from budgets where scope = 'month' order by month`,
    );
    expect(rows[0]).toEqual({ spent: (before?.spent ?? 0) + amount, reserved: 0 });
    expect(rows).toHaveLength(2);
    expect(rows[1]?.reserved).toBe(0);
    expect(rows[1]?.spent).toBeGreaterThan(0);
    await server.system.run(sql`delete from budgets where scope = 'month'`);
  });

  test('counts a call whose tokens nobody counted as if it had cost all that was reserved', async () => {
    await setMonth(1);
    double.next({ kind: 'text', text: 'One\nTwo things\nThree\nFour', billed: { input: 0, output: 0 } });
    const { taskId, runId } = await start({});
    await awaitApproval(client, taskId);
    const [outline, ...others] = await reservationsOf(runId);
    expect(outline).toMatchObject({ step_path: 'outline.0', state: 'in_doubt', cost: outline?.amount });
    expect(new Set(others.map(({ state }) => state))).toEqual(new Set(['settled']));
    expect(await readRun(runId)).toMatchObject({ cost_complete: false });
  });
});

describe('a picture', () => {
  const paint = async () => {
    await setMonth(1);
    const { taskId, runId } = await start({ image: 'auto' });
    await awaitApproval(client, taskId);
    const ledger = await server.system.many(
      sql`select cost_micros as cost, in_doubt from usage_ledger where run_id = ${runId} and step_path = 'image'`,
    );
    const reserved = (await reservationsOf(runId)).filter(({ step_path }) => step_path === 'image');
    return { ledger, reserved };
  };
  const settled = { step_path: 'image', budgets: 1, amount: PICTURE_MICROS };

  test('costs its price', async () => {
    expect(await paint()).toEqual({
      ledger: [{ cost: PICTURE_MICROS, in_doubt: false }],
      reserved: [{ ...settled, state: 'settled', cost: PICTURE_MICROS }],
    });
  });

  test('costs it too when the answer is of no use and a title card takes its place', async () => {
    images.next({ kind: 'images', images: [Buffer.from('no picture at all')] });
    expect(await paint()).toEqual({
      ledger: [{ cost: PICTURE_MICROS, in_doubt: false }],
      reserved: [{ ...settled, state: 'settled', cost: PICTURE_MICROS }],
    });
  });

  test('is in doubt when its answer is garbled, and costs nothing when it is refused', async () => {
    images.next({ kind: 'garbled' });
    expect(await paint()).toEqual({
      ledger: [{ cost: null, in_doubt: true }],
      reserved: [{ ...settled, state: 'in_doubt', cost: PICTURE_MICROS }],
    });
    images.next({ kind: 'status', status: 429, message: 'too many' });
    expect(await paint()).toEqual({ ledger: [], reserved: [{ ...settled, state: 'released', cost: 0 }] });
  });
});
