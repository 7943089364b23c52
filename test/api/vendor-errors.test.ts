import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { startModelDouble, type DoubleAnswer, type DoubleCall } from '../doubles/model-double.ts';
import { billOf, FIVE_CALLS, PRICES } from '../harness/budgets.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let double: Awaited<ReturnType<typeof startModelDouble>>;
let server: TestServer;
let client: ApiClient;

const openServer = (model: string, idleSeconds: number): Promise<TestServer> =>
  startTestServer({
    model,
    openaiApiKey: 'x',
    openaiBaseUrl: `${double.url}/v1`,
    ollamaHost: double.url.replace('http://', ''),
    modelIdleSeconds: idleSeconds,
    ...PRICES,
  });

const HOPELESS = 'what follows when nothing can be used';

/** Its outline is fine, its sections are not: by the topic, as what is queued and left over would go to other runs. */
const nothingUsable = ({ prompt }: DoubleCall): DoubleAnswer | undefined => {
  if (!prompt.includes(HOPELESS)) return undefined;
  const isOutline = prompt.includes('section headings');
  return {
    kind: 'text',
    text: isOutline ? 'First things first\nWhat comes second\nA third matter\nThe last' : '##',
  };
};

beforeAll(async () => {
  double = await startModelDouble({ answer: nothingUsable });
  server = await openServer('openai:double-0.5b', 1);
  client = await server.signIn();
  await server.startWorker();
});
afterAll(async () => {
  await server?.close();
  await double?.close();
});

/** What all books say of a run's outline, the first call of each run. */
interface Account {
  /** As the double counts. */
  readonly made: number;
  readonly calls: number;
  readonly in_doubt: number;
  /** Rows of the ledger: answers, and calls in doubt. */
  readonly booked: number;
  readonly doubted: number;
  /** How its reservations ended, one a call. */
  readonly paid: string;
  /** What the step keeps of its failure. */
  readonly code: string | null;
}

const callsFor = (topic: string): DoubleCall[] => double.calls.filter(({ prompt }) => prompt.includes(topic));
const outlinesFor = (topic: string): DoubleCall[] =>
  callsFor(topic).filter(({ prompt }) => prompt.includes('section headings'));

const accountOf = async (on: TestServer, runId: string, topic: string): Promise<Account> => {
  const [books] = await on.system.many<Omit<Account, 'made'>>(
    sql`select s.calls, s.in_doubt, s.error->>'code' as code, l.booked, l.doubted, coalesce(b.paid, '') as paid
          from run_steps s
          cross join lateral (
            select count(*) filter (where not in_doubt)::integer as booked, count(*) filter (where in_doubt)::integer as doubted
              from usage_ledger u where u.run_id = s.run_id and u.step_path = s.path) l
          cross join lateral (
            select string_agg(state, ' ' order by created_at) as paid
              from budget_reservations r where r.run_id = s.run_id and r.step_path = s.path) b
         where s.run_id = ${runId} and s.path = 'outline.0'`,
  );
  if (!books) throw new Error('there is no outline');
  return { ...books, made: outlinesFor(topic).length };
};

const status = (code: number, more: object = {}): DoubleAnswer => ({
  kind: 'status',
  status: code,
  message: `the vendor said ${code}`,
  ...more,
});
const HALF = 'Only the first half of this is ever said and the rest is not';
const GARBAGE: DoubleAnswer = { kind: 'garbage', bytes: Buffer.from('data: {"choices": [{"del\n\n\x00\xff') };

const once = { made: 2, calls: 2, code: null };
/** Refused before it was taken: asked again, and paid for once. */
const REFUSED = { ...once, in_doubt: 0, booked: 1, doubted: 0, paid: 'released settled' };
/** Taken, and nobody knows what it cost: asked again. */
const DOUBTED = { ...once, in_doubt: 1, booked: 1, doubted: 1, paid: 'in_doubt settled' };
const ends = (code: string) => ({
  made: 1,
  calls: 1,
  in_doubt: 0,
  booked: 0,
  doubted: 0,
  paid: 'released',
  code,
});

const CASES: readonly [name: string, answers: DoubleAnswer[], expected: Account][] = [
  ['429 with Retry-After', [status(429, { headers: { 'retry-after': '2' } })], REFUSED],
  ['429 without', [status(429)], REFUSED],
  ['500', [status(500)], REFUSED],
  ['503', [status(503)], REFUSED],
  ['529', [status(529)], REFUSED],
  [
    '503 and then 429',
    [status(503), status(429)],
    { ...REFUSED, made: 3, calls: 3, paid: 'released released settled' },
  ],
  ['401', [status(401)], ends('model_unauthorized')],
  ['403', [status(403)], ends('model_unauthorized')],
  ['404', [status(404)], ends('model_rejected')],
  ['400', [status(400)], ends('model_rejected')],
  ['429 for an empty account', [status(429, { code: 'insufficient_quota' })], ends('model_rejected')],
  ['a stream that is cut', [{ kind: 'cut', text: HALF, how: 'socket' }], DOUBTED],
  ['a stream that ends too early', [{ kind: 'cut', text: HALF, how: 'clean-end' }], DOUBTED],
  ['garbage', [GARBAGE], DOUBTED],
  ['an empty answer', [{ kind: 'text', text: '' }], DOUBTED],
  [
    'an error in mid-stream',
    [{ kind: 'error-event', text: HALF, type: 'server_error', message: 'oh' }],
    DOUBTED,
  ],
  ['silence', [{ kind: 'silence' }], DOUBTED],
  ['a hang in mid-stream', [{ kind: 'hang', text: HALF }], DOUBTED],
  [
    'silence, and then a hang',
    [{ kind: 'silence' }, { kind: 'hang', text: HALF }],
    {
      made: 2,
      calls: 2,
      in_doubt: 2,
      booked: 0,
      doubted: 2,
      paid: 'in_doubt in_doubt',
      code: 'model_stalled',
    },
  ],
];

const LINES: object[] = [];

describe('a vendor that answers', () => {
  test.each(CASES)('%s', async (name, answers, expected) => {
    const topic = `what follows when a vendor answers ${name}`;
    answers.forEach((answer) => double.next(answer));
    const beganAt = Date.now();
    const { taskId, runId } = await startPipeline(client, topic, { ...FIVE_CALLS, budget_usd: 1 });
    if (expected.code === null) await awaitApproval(client, taskId);
    else
      expect(await awaitEnd(client, runId)).toMatchObject({
        status: 'failed',
        error: { code: expected.code },
      });
    const account = await accountOf(server, runId, topic);
    LINES.push({ vendor: name, 'the run': expected.code ?? 'goes on', ms: Date.now() - beganAt, ...account });
    expect(account).toEqual(expected);
    const run = (await client.get(`/api/v1/runs/${runId}`)).body;
    expect(run).toMatchObject({ calls_in_doubt: expected.in_doubt, budget: { reserved_usd: 0 } });
    expect(run.budget.spent_usd * 1e6).toBeGreaterThanOrEqual(billOf(callsFor(topic)));
    expect(callsFor(topic).some((call) => call.status === 'open')).toBe(false);
    const events = (await client.get(`/api/v1/runs/${runId}/events?limit=500`)).body.items;
    const failures = events.filter(({ type }: { type: string }) => type === 'step.failed');
    expect(failures).toHaveLength(expected.made - (expected.code === null ? 1 : 0));
    if (name.includes('Retry-After')) expect(Date.now() - beganAt).toBeGreaterThan(2_000);
  });

  test('with something unusable is asked three times', async () => {
    const { runId } = await startPipeline(client, HOPELESS, { ...FIVE_CALLS, budget_usd: 1 });
    expect(await awaitEnd(client, runId)).toMatchObject({
      status: 'failed',
      error: { code: 'model_rejected' },
    });
    const { steps } = (await client.get(`/api/v1/runs/${runId}`)).body;
    const failed = steps.filter(({ status: state }: { status: string }) => state === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(
      failed.some(
        ({ calls, error }: { calls: number; error: { code: string } }) =>
          calls === 3 && error.code === 'model_rejected',
      ),
    ).toBe(true);
  });
});

test('a vendor that is silent for longer than a heartbeat may take is cut off by its silence alone', async () => {
  const patient = await openServer('openai:double-0.5b', 9);
  try {
    const reader = await patient.signIn();
    await patient.startWorker();
    const topic = 'a long silence';
    double.next({ kind: 'silence' });
    const { taskId, runId } = await startPipeline(reader, topic, { ...FIVE_CALLS, budget_usd: 1 });
    await awaitApproval(reader, taskId);
    const [first] = outlinesFor(topic);
    expect(first?.status).toBe('aborted');
    expect(first?.latency_ms).toBeGreaterThan(8_900);
    expect(first?.latency_ms).toBeLessThan(11_000);
    expect(await accountOf(patient, runId, topic)).toEqual(DOUBTED);
    // The same try went on: a second one would have begun the step as one whose call was lost.
    const events = (await reader.get(`/api/v1/runs/${runId}/events?limit=500`)).body.items;
    const started = events.filter(
      ({ type, data }: { type: string; data: { step: string } }) =>
        type === 'step.started' && data.step === 'outline.0',
    );
    expect(started.map(({ data }: { data: { again: boolean } }) => data.again)).toEqual([false, false]);
  } finally {
    await patient.close();
  }
});

test('five outages leave the vendor alone; who comes meanwhile is not sent there, and goes on later', async () => {
  for (let n = 0; n < 5; n++) double.next(status(503));
  const first = await startPipeline(client, 'an outage', FIVE_CALLS);
  await until(async () => outlinesFor('an outage').length === 5, 'five outages');
  const second = await startPipeline(client, 'after the outage', FIVE_CALLS);
  const step = await until(async () => {
    const { steps } = (await client.get(`/api/v1/runs/${second.runId}`)).body;
    return steps.find(({ status: state }: { status: string }) => state === 'failed');
  }, 'the refusal');
  expect(step).toMatchObject({ path: 'outline.0', calls: 0, error: { code: 'model_unavailable' } });
  expect(step.error.message).toContain('failed 5 times in a row');
  expect(callsFor('after the outage')).toEqual([]);
  await Promise.all(
    [first, second].map(({ taskId }) =>
      until(
        async () => {
          const { body } = await client.get(`/api/orchestrator/approval/${taskId}`);
          return body.requires_approval;
        },
        'the end of the outage',
        60_000,
      ),
    ),
  );
  expect(outlinesFor('an outage')).toHaveLength(6);
  expect(outlinesFor('after the outage')).toHaveLength(1);
  expect(await accountOf(server, second.runId, 'after the outage')).toMatchObject({
    calls: 1,
    in_doubt: 0,
    booked: 1,
  });
}, 100_000);

describe('a whole article', () => {
  test.each([
    ['openai:double', 'openai', 6],
    ['ollama:double:8b', 'ollama', 7],
  ])('is written by %s, streamed, to its publication', async (model, wire, calls) => {
    const own = await openServer(model, 10);
    try {
      const editor = await own.signIn();
      await own.startWorker();
      const topic = `an article by ${wire}`;
      const { taskId, runId } = await startPipeline(editor, topic, {
        research: 'none',
        quality: { max_revisions: 0 },
      });
      await awaitApproval(editor, taskId);
      await editor.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
      const run = await awaitEnd(editor, runId);
      expect(run).toMatchObject({ status: 'completed', calls_in_doubt: 0 });
      const made = double.calls.filter(
        (call) => call.wire === wire && call.body.model === model.slice(wire.length + 1),
      );
      expect(made).toHaveLength(calls);
      expect(made.every(({ status: state, body }) => state === 'answered' && body.stream !== false)).toBe(
        true,
      );
      const billed = made.reduce((sum, call) => sum + call.billed.input + call.billed.output, 0);
      expect(run.tokens_in + run.tokens_out).toBe(billed);
      const [posts] = await own.system.many<{ n: number }>(sql`select count(*)::integer as n from posts`);
      expect(posts?.n).toBe(1);
    } finally {
      await own.close();
    }
  });
});

afterAll(() => {
  if (process.argv.some((arg) => arg.includes('vendor-errors'))) console.table(LINES);
});
