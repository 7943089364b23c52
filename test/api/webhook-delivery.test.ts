import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { openStore, type Store } from '../../store/store.ts';
import { sql } from '../../store/sql.ts';
import { startReceiverDouble, type Mood, type ReceiverDouble } from '../doubles/receiver-double.ts';
import type { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { startWorkerProcess } from '../harness/worker-process.ts';

const WEBHOOKS = '/api/settings/webhooks';
const HOUR_MS = 3_600_000;

interface Bench {
  readonly server: TestServer;
  readonly admin: ApiClient;
  readonly store: Store;
  readonly receiver: ReceiverDouble;
  readonly scale: number;
  /** Makes a webhook for `budget.*`. */
  register(): Promise<{ id: string; secret: string }>;
  /** Something happens in a stream. */
  happen(stream: string): Promise<void>;
  log(id: string, query?: string): Promise<Entry[]>;
  close(): Promise<void>;
}

interface Entry {
  readonly message_id: string;
  readonly stream: string;
  readonly attempt: number;
  readonly state: string;
  readonly http_status: number | null;
  readonly error: string | null;
}

const openBench = async (scale: number): Promise<Bench> => {
  const receiver = await startReceiverDouble({ lateMs: 700 });
  const server = await startTestServer({ outgoingAllow: ['127.0.0.1'], webhookTimeScale: String(scale) });
  const admin = await server.signIn();
  const store = await openStore(server.config.database.app ?? '');
  const row = await store.beforeWorkspace<{ id: string }>(sql`select workspace_id_of('default') as id`);
  const principal = workerPrincipal(row?.id ?? '');
  return {
    server,
    admin,
    store,
    receiver,
    scale,
    register: async () =>
      (await admin.post(WEBHOOKS, { url: receiver.url, events: ['budget.*'], active: true })).body,
    happen: (stream) => store.write(principal, async (tx) => tx.emit(stream, 'budget.overrun', {})),
    log: async (id, query = '') => {
      const all: Entry[] = [];
      let next: string | null = `${WEBHOOKS}/${id}/deliveries?limit=100${query}`;
      while (next) {
        const { body }: { body: { items: Entry[]; links: { next: string | null } } } = await admin.get(next);
        all.push(...body.items);
        next = body.links.next;
      }
      return all.toReversed();
    },
    close: async () => {
      await store.close();
      await server.close();
      await receiver.close();
    },
  };
};

const history = async ({ server }: Bench, id: string): Promise<string> => {
  const { openTemporalClient } = await import('../../platform/temporal/connect.ts');
  const { historyToJSON } = await import('@temporalio/common/lib/proto-utils.js');
  const client = openTemporalClient();
  const first = await client.workflow.getHandle(`webhook/${id}/1`).fetchHistory();
  void server;
  await client.connection.close();
  return JSON.stringify(JSON.parse(historyToJSON(first)), null, 1);
};

/** What must hold however a receiver behaves. @param streams how many events each of them had. */
const verdict = (bench: Bench, streams: ReadonlyMap<string, number>, secret: string): void => {
  const { received } = bench.receiver;
  const seqOf = new Map<string, string>();
  for (const [stream, count] of streams) {
    const calls = received.filter(({ body }) => body.data.stream === stream);
    const taken = calls.filter(({ mood }) => mood === 'accept');
    // At least once each, and nothing else.
    expect([...new Set(taken.map(({ body }) => body.data.seq))]).toEqual(
      Array.from({ length: count }, (_, i) => i + 1),
    );
    // In order: no event is seen before the one ahead of it was accepted.
    let ahead = 0;
    for (const { body, mood } of calls) {
      expect(body.data.seq).toBeLessThanOrEqual(ahead + 1);
      if (mood === 'accept') ahead = Math.max(ahead, body.data.seq);
    }
    for (const { id, body } of calls) {
      const event = `${stream}/${body.data.seq}`;
      expect(seqOf.get(id) ?? event).toBe(event);
      seqOf.set(id, event);
    }
  }
  // One id for one event, and one event for one id.
  expect(new Set(seqOf.values()).size).toBe(seqOf.size);
  for (const { raw, headers } of received)
    expect(() => new Webhook(secret).verify(raw, headers as Record<string, string>)).not.toThrow();
};

describe('a receiver that misbehaves for an hour', () => {
  let bench: Bench;
  // An hour is 30 s; what takes 15 s otherwise is given half a second.
  beforeAll(async () => {
    bench = await openBench(1 / 120);
  });
  afterAll(() => bench?.close());

  test('has every event at least once, in the order of its stream, under one id; the log tells the story', async () => {
    const { receiver, server, scale, register, happen } = bench;
    const stop = await server.startWorker();
    const { id, secret } = await register();
    const moods: Mood[] = ['fail', 'hang', 'redirect', 'late', 'lose'];
    const until60 = Date.now() + HOUR_MS * scale;
    receiver.behave(({ n }) => {
      if (Date.now() > until60) return 'accept';
      // Every third call is taken, so that streams move on while others are held back.
      return n % 3 === 2 ? 'accept' : (moods[n % moods.length] ?? 'fail');
    });
    const streams = new Map<string, number>();
    for (let round = 0; Date.now() < until60; round++) {
      const stream = `matter:${round % 6}`;
      await happen(stream);
      streams.set(stream, (streams.get(stream) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    const events = [...streams.values()].reduce((sum, n) => sum + n, 0);
    expect(events).toBeGreaterThan(20);
    await until(
      async () => (await bench.log(id, '&state=delivered')).length === events,
      'the end of all deliveries',
      120_000,
    );
    await stop();
    verdict(bench, streams, secret);
    expect(receiver.strays()).toBe(0);
    const log = await bench.log(id);
    // Each call has its row, each row its call; what was said of it is what happened.
    expect(log.length).toBe(receiver.received.length);
    const told: Record<Mood, Partial<Entry>> = {
      accept: { state: 'delivered', http_status: 204, error: null },
      fail: { state: 'failed', http_status: 500, error: null },
      hang: { state: 'failed', http_status: null, error: 'timeout' },
      late: { state: 'failed', http_status: null, error: 'timeout' },
      redirect: { state: 'failed', http_status: null, error: 'redirected' },
      lose: { state: 'failed', http_status: null, error: 'unreachable' },
      gone: {},
      busy: {},
    };
    for (const messageId of new Set(log.map(({ message_id }) => message_id))) {
      const tries = log.filter(({ message_id }) => message_id === messageId);
      const calls = receiver.received.filter((call) => call.id === messageId);
      expect(tries.map(({ attempt }) => attempt)).toEqual(tries.map((_, i) => i + 1));
      expect(tries).toMatchObject(calls.map(({ mood }) => told[mood]));
    }
    for (const mood of moods) expect(receiver.received.map((call) => call.mood)).toContain(mood);
    if (process.env['RECORD_HISTORY']) writeFileSync(process.env['RECORD_HISTORY'], await history(bench, id));
  }, 240_000);
});

describe('a worker that is killed in the middle', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench(1 / 120);
  });
  afterAll(() => bench?.close());

  test('loses nothing: another one sends again, and the log says what nobody knows', async () => {
    const { receiver, server, register, happen } = bench;
    const env = {
      TASKLOOM_OUTGOING_ALLOW: '127.0.0.1',
      TASKLOOM_MODEL: 'scripted:instant',
      TASKLOOM_WEBHOOK_TIME_SCALE: '1',
    };
    const first = await startWorkerProcess(server, env);
    const { id, secret } = await register();
    receiver.behave(() => 'hang');
    await happen('matter:0');
    await happen('matter:0');
    await happen('matter:1');
    await until(async () => receiver.received.length === 2, 'a call of each stream');
    await first.kill();
    receiver.behave(() => 'accept');
    await server.startWorker();
    await until(
      async () => (await bench.log(id, '&state=delivered')).length === 3,
      'the end of all deliveries',
      90_000,
    );
    verdict(
      bench,
      new Map([
        ['matter:0', 2],
        ['matter:1', 1],
      ]),
      secret,
    );
    const lost = await bench.log(id, '&state=unknown');
    expect(lost).toMatchObject([
      { attempt: 1, error: 'interrupted', http_status: null },
      { attempt: 1, error: 'interrupted', http_status: null },
    ]);
  }, 180_000);
});

describe('a receiver that accepts nothing for three days', () => {
  let bench: Bench;
  // Three days are 5 s.
  beforeAll(async () => {
    bench = await openBench(1 / 51_840);
  });
  afterAll(() => bench?.close());

  test('is told no more: the event is given up, the webhook disabled', async () => {
    const { receiver, server, admin, register, happen } = bench;
    await server.startWorker();
    receiver.behave(() => 'fail');
    const { id } = await register();
    await happen('matter:0');
    await until(async () => !(await admin.get(`${WEBHOOKS}/${id}`)).body.active, 'the end', 60_000);
    expect((await admin.get(`${WEBHOOKS}/${id}`)).body.disabled_reason).toBe('failing');
    const log = await bench.log(id);
    expect(log.at(-1)).toMatchObject({ state: 'given_up', http_status: 500 });
    expect(log.slice(0, -1).every(({ state }) => state === 'failed')).toBe(true);
    expect(log.length).toBeGreaterThan(10);
    expect(log.length).toBeLessThanOrEqual(14);
    const events = await server.system.many(sql`select payload from events where type = 'webhook.disabled'`);
    expect(events).toEqual([{ payload: { webhook_id: id, reason: 'failing' } }]);
  }, 120_000);

  test('goes on when only one event is refused: that one is given up, the others arrive', async () => {
    const { receiver, admin, register, happen } = bench;
    const { id } = await register();
    const before = receiver.received.length;
    receiver.behave(({ body }) =>
      (body as never as { data: { stream: string } }).data.stream === 'bad:0' ? 'fail' : 'accept',
    );
    await happen('bad:0');
    await until(async () => receiver.received.length > before, 'the first try');
    await happen('good:0');
    await until(
      async () => (await bench.log(id, '&state=given_up')).length === 1,
      'the end of the bad one',
      60_000,
    );
    expect(await bench.log(id, '&state=delivered')).toMatchObject([{ stream: 'good:0' }]);
    expect((await admin.get(`${WEBHOOKS}/${id}`)).body.active).toBe(true);
  }, 120_000);
});
