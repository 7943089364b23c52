import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { openTemporalClient } from '../../platform/temporal/connect.ts';
import { createLogger } from '../../platform/logger.ts';
import { LiveBus } from '../../store/live/bus.ts';
import { sql } from '../../store/sql.ts';
import { reviveWebhooks } from '../../worker/webhooks.ts';
import type { Mood } from '../doubles/receiver-double.ts';
import { until } from '../harness/until.ts';
import {
  historyOf,
  openWebhookBench,
  WEBHOOKS,
  type LogEntry,
  type WebhookBench,
} from '../harness/webhooks.ts';
import { startWorkerProcess } from '../harness/worker-process.ts';

const HOUR_MS = 3_600_000;

/** What must hold however a receiver behaves. @param streams how many events each of them had. */
const verdict = (bench: WebhookBench, streams: ReadonlyMap<string, number>, secret: string): void => {
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
  let bench: WebhookBench;
  // An hour is 30 s; what takes 15 s otherwise is given half a second.
  beforeAll(async () => {
    bench = await openWebhookBench(1 / 120);
  });
  afterAll(() => bench?.close());

  test('has every event at least once, in the order of its stream, under one id; the log tells the story', async () => {
    const { receiver, server, register, happen } = bench;
    const stop = await server.startWorker();
    const { id, secret } = await register();
    const moods: Mood[] = ['fail', 'hang', 'redirect', 'late', 'lose'];
    const until60 = Date.now() + HOUR_MS / 120;
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
      const seen = receiver.received.length;
      await until(async () => receiver.received.length > seen || Date.now() > until60, 'the next call');
    }
    const events = [...streams.values()].reduce((sum, n) => sum + n, 0);
    expect(events).toBeGreaterThan(20);
    await until(
      async () => (await bench.log(id, '&state=delivered')).length === events,
      'the end of all deliveries',
      120_000,
    );
    await stop();
    const history = await historyOf(id);
    expect(history.length).toBeLessThan(2_000);
    expect(history.text).toContain(id);
    for (const word of [secret, receiver.url, 'budget.overrun', 'whsec_'])
      expect(history.text).not.toContain(word);
    verdict(bench, streams, secret);
    expect(receiver.strays()).toBe(0);
    const log = await bench.log(id);
    // Each call has its row, each row its call; what was said of it is what happened.
    expect(log.length).toBe(receiver.received.length);
    const told: Record<Mood, Partial<LogEntry>> = {
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
  }, 240_000);
});

describe('a worker that is killed in the middle', () => {
  let bench: WebhookBench;
  beforeAll(async () => {
    bench = await openWebhookBench(1 / 120);
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

describe('a workflow that somebody ended', () => {
  let bench: WebhookBench;
  beforeAll(async () => {
    bench = await openWebhookBench(1 / 120);
  });
  afterAll(() => bench?.close());

  test('is replaced by another, and one that runs is left alone', async () => {
    const { receiver, server, store, register, happen } = bench;
    await server.startWorker();
    const client = openTemporalClient();
    const log = createLogger('test', 'error');
    const bus = new LiveBus(server.config.database.app ?? '');
    const deps = { system: server.system, store, client, bus, log, publicUrl: '' };
    const { id } = await register();
    receiver.behave(() => 'hang');
    await happen('matter:0');
    await until(async () => receiver.received.length > 0, 'the first call');
    await until(async () => (await bench.log(id, '&state=failed')).length > 0, 'its end');
    expect(await reviveWebhooks(deps, -600)).toBe(0);
    await client.workflow.getHandle(`webhook/${id}/1`).terminate();
    receiver.behave(() => 'accept');
    const revived = async () => (await reviveWebhooks(deps, -600)) === 1;
    await until(revived, 'another workflow');
    await until(async () => (await bench.log(id, '&state=delivered')).length === 1, 'the delivery');
    await client.connection.close();
    await bus.close();
  }, 60_000);
});

describe('a receiver that accepts nothing for three days', () => {
  let bench: WebhookBench;
  // Three days are 5 s.
  beforeAll(async () => {
    bench = await openWebhookBench(1 / 51_840);
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
