import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { modelAnswer } from '../doubles/model-answer.ts';
import { startModelDouble, type DoubleAnswer, type DoubleCall } from '../doubles/model-double.ts';
import {
  billOf,
  decideGate,
  FIVE_CALLS,
  openGates,
  PRICES,
  readBooks,
  watchBooks,
  type Watch,
} from '../harness/budgets.ts';
import type { ApiClient } from '../harness/client.ts';
import { startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { startWorkerProcess, type WorkerProcess } from '../harness/worker-process.ts';

const RUNS = 50;
const AT_ONCE = 10;
const LIMITS_USD = [0.25, 0.38] as const;
/** A name that says how small it is: it writes, and neither judges nor describes. */
const MODEL = 'openai:double-0.5b';
const PATIENCE_MS = 60_000;

let double: Awaited<ReturnType<typeof startModelDouble>>;
let server: TestServer;
let client: ApiClient;
let watch: Watch;
let worker: WorkerProcess;
let kills = 0;

/** Every third call costs all that can be reserved for it: a token a byte, and as many of the answer as are allowed. */
const answer = (call: DoubleCall): DoubleAnswer | undefined => {
  if (Number.parseInt(call.promptSha256.slice(0, 8), 16) % 3 !== 0) return undefined;
  const input = Buffer.byteLength(call.prompt) - 1 + 300;
  const billed = { input, output: Number(call.body['max_tokens']) };
  return { kind: 'text', text: modelAnswer(call.prompt, call.body), billed };
};

const startWorker = async (): Promise<void> => {
  worker = await startWorkerProcess(server, {
    TASKLOOM_MODEL: MODEL,
    OPENAI_BASE_URL: `${double.url}/v1`,
    TASKLOOM_MODEL_INPUT_USD_PER_MTOK: PRICES.modelInputPrice,
    TASKLOOM_MODEL_OUTPUT_USD_PER_MTOK: PRICES.modelOutputPrice,
  });
};

beforeAll(async () => {
  double = await startModelDouble({ minMs: 50, maxMs: 400, answer });
  server = await startTestServer();
  client = await server.signIn();
  await startWorker();
});
afterAll(async () => {
  await watch?.stop();
  await worker?.stop();
  await server?.close();
  await double?.close();
});

const setLimit = async (limit: number | null): Promise<void> => {
  const { status } = await client.request('PUT', '/api/v1/budgets/month', { limit_usd: limit });
  expect(status).toBe(200);
};

const underway = (): DoubleCall[] => double.calls.filter(({ status }) => status === 'open');

/** Kills the worker while several calls are under way, those of a run among them that is cancelled before another takes over. */
const killInMidCall = async (seen: number): Promise<void> => {
  await until(
    async () => double.calls.length >= seen && underway().length >= 3,
    'calls under way',
    PATIENCE_MS,
  );
  await worker.kill();
  kills++;
  const [run] = await server.system.many<{ id: string }>(
    sql`select r.id from runs r where r.status = 'running'
           and exists (select 1 from run_steps s where s.run_id = r.id and s.status = 'started') limit 1`,
  );
  expect((await client.post(`/api/v1/runs/${run?.id}/cancel`)).status).toBe(200);
  await startWorker();
};

/** Cancels runs whose calls are under way, by a worker that lives. */
const cancelSome = async (count: number): Promise<void> => {
  const runs = await until(
    async () => {
      const found = await server.system.many<{ id: string }>(
        sql`select r.id from runs r where r.status = 'running' and exists (
              select 1 from budget_reservations b where b.run_id = r.id and b.state = 'open') limit ${count}`,
      );
      return found.length === count && found;
    },
    'runs with calls under way',
    PATIENCE_MS,
  );
  await Promise.all(runs.map(({ id }) => client.post(`/api/v1/runs/${id}/cancel`)));
};

interface RunFacts {
  readonly id: string;
  readonly status: string;
  readonly code: string | null;
  /** Of its open approvals. */
  readonly asks: readonly string[];
}

const readRuns = (): Promise<RunFacts[]> =>
  server.system.many<RunFacts>(
    sql`select r.id, r.status, r.error->>'code' as code,
               array(select a.kind from approvals a where a.run_id = r.id and a.status = 'open') as asks from runs r`,
  );

const count = (runs: readonly RunFacts[], kind: string): number =>
  runs.filter(({ asks }) => asks.includes(kind)).length;

/** What keeps the runs from rest. */
const unrest = (): Promise<object[]> =>
  server.system.many(
    sql`select r.id, r.status, r.current_step, 'run' as what from runs r where r.status in ('running', 'queued')
        union all select run_id, state, step_path, 'reservation' from budget_reservations where state = 'open'
        union all select run_id, status, path, 'step' from run_steps where status = 'started'
        union all select null, kind, workflow_id, 'outbox' from outbox`,
  );

/** Waits until every run has ended or waits, and nothing is set aside any more. */
const untilQuiet = (): Promise<RunFacts[]> =>
  until(
    async () => {
      // What a dead worker has left is cleared up a while after its run's end; here that is now.
      await server.system.run(
        sql`update runs set finished_at = finished_at - interval '1 minute' where finished_at > now() - interval '30 seconds'`,
      );
      return (await unrest()).length === 0 && readRuns();
    },
    'runs that end or wait',
    PATIENCE_MS,
  ).catch(async (error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(await unrest(), null, 1)}`, { cause: error });
  });

const LINES: Record<string, string | number>[] = [];
const note = async (when: string, runs: readonly RunFacts[]): Promise<void> => {
  const [books] = await readBooks(server, 'month');
  LINES.push({
    when,
    limit: books ? books.limit / 1e6 : 'none',
    spent: books ? books.spent / 1e6 : '',
    billed: billOf(double.calls) / 1e6,
    calls: double.calls.length,
    'asks budget': count(runs, 'budget'),
    'asks content': count(runs, 'content'),
    cancelled: runs.filter(({ status }) => status === 'cancelled').length,
    failed: runs.filter(({ status }) => status === 'failed').length,
  });
};

/** What holds whenever everything has come to rest. */
const expectOrder = async (runs: readonly RunFacts[]): Promise<void> => {
  for (const { status, asks } of runs) expect(asks).toHaveLength(status === 'waiting' ? 1 : 0);
  const [books] = await readBooks(server, 'month');
  expect(books).toMatchObject({ reserved: 0, open: 0, spent: books?.costSum });
  expect(billOf(double.calls)).toBeLessThanOrEqual(books?.spent ?? 0);
  expect(watch.broken).toEqual([]);
};

test('fifty runs at once under one budget never spend above it, whoever dies or is cancelled', async () => {
  await setLimit(LIMITS_USD[0]);
  watch = watchBooks(server, 'month');
  for (let begun = 0; begun < RUNS; begun += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) =>
        startPipeline(client, `Paid article ${begun + n}`, FIVE_CALLS),
      ),
    );
  await killInMidCall(15);
  await cancelSome(2);
  await killInMidCall(40);
  const refused = await untilQuiet();
  await note('at the limit', refused);
  await expectOrder(refused);
  expect(count(refused, 'budget')).toBeGreaterThan(3);
  expect(refused.filter(({ status }) => status === 'cancelled')).toHaveLength(4);

  const [first, second] = await openGates(client);
  if (!first || !second) throw new Error('nobody asks for a budget');
  const editor = await server.signIn({ email: 'writer@example.com', role: 'editor' });
  expect((await decideGate(editor, first, 'approve')).body).toMatchObject({
    status: 403,
    code: 'role_not_allowed',
  });
  expect((await decideGate(client, first, 'reject')).status).toBe(200);
  expect((await decideGate(client, second, 'approve', { limit_usd: LIMITS_USD[1] })).status).toBe(200);
  // All of them go on, also those whose own approval nobody decided, until the new limit stops them.
  const raised = await until(async () => {
    const runs = await untilQuiet();
    const [books] = await readBooks(server, 'month');
    return (
      runs.some(({ code }) => code === 'budget_refused') && (books?.spent ?? 0) > LIMITS_USD[0] * 1e6 && runs
    );
  }, 'the runs that go on');
  await note('raised once', raised);
  await expectOrder(raised);
  expect(raised.find(({ id }) => id === first.run_id)).toMatchObject({
    status: 'failed',
    code: 'budget_refused',
  });
  expect(raised.filter(({ status }) => status === 'failed')).toHaveLength(1);
  expect(count(raised, 'budget')).toBeGreaterThan(0);
  expect(count(raised, 'content')).toBeGreaterThan(count(refused, 'content'));
  await watch.stop();

  await setLimit(null);
  const freed = await until(async () => {
    const runs = await untilQuiet();
    return count(runs, 'budget') === 0 && runs;
  }, 'runs without a limit');
  await note('without a limit', freed);
  for (const { status, asks } of freed) expect(asks).toEqual(status === 'waiting' ? ['content'] : []);
  expect(count(freed, 'content')).toBe(RUNS - 5);
  expect(kills).toBe(2);
  if (process.argv.some((arg) => arg.includes('budgets.test'))) {
    console.table(LINES);
    console.log(
      `${watch.looks} looks at the budget, at most $${watch.mostCommitted / 1e6} spent and reserved, ${kills} kills`,
    );
  }
}, 400_000);
