import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { sql } from '../../store/sql.ts';
import { startReceiverDouble } from '../doubles/receiver-double.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { until } from '../harness/until.ts';
import { openWebhookBench, WEBHOOKS, type WebhookBench } from '../harness/webhooks.ts';

let bench: WebhookBench;
let admin: ApiClient;

beforeAll(async () => {
  // An hour is 3.6 s.
  bench = await openWebhookBench(0.001);
  ({ admin } = bench);
  await bench.server.startWorker();
});
afterAll(() => bench?.close());
afterEach(async () => {
  bench.receiver.behave(() => 'accept');
  for (const { id } of (await admin.get(WEBHOOKS)).body.items)
    await admin.request('DELETE', `${WEBHOOKS}/${id}`);
});

/** What has its place in the feed is before whatever begins now. */
const inFeed = (stream: string) =>
  until(
    () => bench.server.system.maybe(sql`select 1 from events where stream = ${stream} and pos is not null`),
    `a place for ${stream} in the feed`,
  );

describe('an outgoing webhook', () => {
  test('tells of an event by its ids, signed so that the receiver can verify it', async () => {
    const { id, secret } = await bench.register();
    const stream = await bench.happen();
    const { headers, raw, body } = await bench.call(stream);
    expect(new Webhook(secret).verify(raw, headers as Record<string, string>)).toEqual(body);
    expect(body).toEqual({
      type: 'budget.overrun',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: { stream, seq: 1, links: {} },
    });
    expect(raw).not.toContain('private words');
    const [entry] = await bench.logged(id, 1, '&state=delivered');
    expect(entry).toMatchObject({
      webhook_id: id,
      message_id: headers['webhook-id'],
      event: 'budget.overrun',
      stream,
      attempt: 1,
      http_status: 204,
      error: null,
      next_attempt_at: null,
    });
    expect((await admin.get(`${WEBHOOKS}/${id}`)).body.last_success_at).not.toBeNull();
  });

  test('shows its secret once, and keeps it encrypted', async () => {
    const { id, secret } = await bench.register();
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    const shown = [await admin.get(`${WEBHOOKS}/${id}`), await admin.get(WEBHOOKS)];
    for (const { body } of shown) expect(JSON.stringify(body)).not.toContain('whsec_');
    const rows = await bench.server.system.many<{ all: string }>(
      sql`select row_to_json(w)::text as all from webhook_endpoints w union all select detail::text from audit union all select answer::text from idempotency_keys`,
    );
    for (const { all } of rows) expect(all ?? '').not.toContain(secret.slice(6, 30));
  });

  test('calls the end of a task’s run by the word of the documents', async () => {
    await bench.register({ events: ['task.completed', 'task.failed'] });
    const published = await startPipeline(admin, 'A matter of words');
    await awaitApproval(admin, published.taskId);
    await admin.post(`/api/orchestrator/approve/${published.taskId}`, { approved: true });
    await awaitEnd(admin, published.runId);
    const cancelled = await startPipeline(admin, 'Another matter of words');
    await admin.post(`/api/v1/runs/${cancelled.runId}/cancel`);
    const done = await bench.call(`run:${published.runId}`);
    const links = {
      run: `${bench.server.config.http.publicUrl}/api/v1/runs/${published.runId}`,
      task: `${bench.server.config.http.publicUrl}/api/tasks/${published.taskId}`,
    };
    expect(done.body).toMatchObject({
      type: 'task.completed',
      data: { run_id: published.runId, task_id: published.taskId, status: 'completed', links },
    });
    expect(done.raw).not.toContain('matter of words');
    expect((await bench.call(`run:${cancelled.runId}`)).body).toMatchObject({
      type: 'task.failed',
      data: { task_id: cancelled.taskId, outcome: 'cancelled' },
    });
    expect(bench.calls(`run:${published.runId}`)).toHaveLength(1);
  });

  test('signs with both secrets after a rotation, and with the new one alone a day later', async () => {
    const { id, secret } = await bench.register();
    const rotated = await admin.post(`${WEBHOOKS}/${id}/rotate-secret`);
    expect(rotated.status).toBe(200);
    expect(rotated.body.secret).not.toBe(secret);
    const hours = (Date.parse(rotated.body.former_secret_until) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThan(24.1);
    const both = await bench.call(await bench.happen());
    const headers = both.headers as Record<string, string>;
    for (const each of [secret, rotated.body.secret])
      expect(() => new Webhook(each).verify(both.raw, headers)).not.toThrow();
    await bench.server.system.run(sql`update webhook_endpoints set former_until = now() where id = ${id}`);
    const one = await bench.call(await bench.happen());
    expect(() => new Webhook(rotated.body.secret).verify(one.raw, one.headers as never)).not.toThrow();
    expect(() => new Webhook(secret).verify(one.raw, one.headers as never)).toThrow();
  });

  test('is told of nothing that it did not ask for, nor of what was before it', async () => {
    const before = await bench.happen();
    await inFeed(before);
    await bench.register();
    const other = await bench.happen(undefined, 'approval.requested');
    await bench.call(await bench.happen());
    expect([bench.calls(before), bench.calls(other)]).toEqual([[], []]);
  });

  test('tries a test event at once and answers how it went, also while it is not active', async () => {
    const { id, secret } = await bench.register({ active: false });
    const good = await admin.post(`${WEBHOOKS}/${id}/test`);
    expect(good.body).toMatchObject({
      event: 'webhook.test',
      state: 'delivered',
      http_status: 204,
      attempt: 1,
    });
    const call = bench.receiver.received.find((one) => one.id === good.body.message_id);
    expect(new Webhook(secret).verify(call?.raw ?? '', call?.headers as never)).toMatchObject({
      type: 'webhook.test',
    });
    bench.receiver.behave(() => 'fail');
    const bad = await admin.post(`${WEBHOOKS}/${id}/test`);
    expect(bad.body).toMatchObject({ state: 'failed', http_status: 500, next_attempt_at: null });
    expect(bad.body.answer).toHaveLength(1_024);
    expect(await bench.log(id)).toHaveLength(2);
  });

  test('changes with the next try: another address, no more tries, none at all', async () => {
    const other = await startReceiverDouble();
    bench.receiver.behave(() => 'fail');
    const { id } = await bench.register();
    const stream = await bench.happen();
    await bench.call(stream);
    const moved = await admin.request('PATCH', `${WEBHOOKS}/${id}`, { url: other.url });
    expect(moved.body).toMatchObject({ url: other.url, active: true });
    await until(async () => other.received.length === 1, 'the try at the new address');
    await admin.request('PATCH', `${WEBHOOKS}/${id}`, { active: false });
    const rested = await bench.happen();
    await inFeed(rested);
    expect((await admin.get(`${WEBHOOKS}/${id}`)).body).toMatchObject({
      active: false,
      disabled_reason: 'by_hand',
    });
    await admin.request('PATCH', `${WEBHOOKS}/${id}`, { active: true });
    const awake = await bench.happen();
    await until(
      async () => other.received.some(({ body }) => body.data.stream === awake),
      'the event after it',
    );
    expect(other.received.some(({ body }) => body.data.stream === rested)).toBe(false);
    expect((await admin.request('DELETE', `${WEBHOOKS}/${id}`)).status).toBe(204);
    expect((await admin.get(`${WEBHOOKS}/${id}`)).status).toBe(404);
    await other.close();
  });

  test('sends an event once more on request, under the same id', async () => {
    const { id } = await bench.register();
    const stream = await bench.happen();
    const first = await bench.call(stream);
    const [entry] = await bench.logged(id, 1, '&state=delivered');
    const path = `${WEBHOOKS}/${id}/deliveries/${entry?.id}/redeliver`;
    const asked = await admin.post(path, undefined, { 'idempotency-key': 'again' });
    expect(asked.status).toBe(202);
    expect(
      (await admin.post(path, undefined, { 'idempotency-key': 'again' })).headers.get('idempotency-replayed'),
    ).toBe('true');
    const again = await bench.call(stream, 2);
    expect([again.id, again.raw]).toEqual([first.id, first.raw]);
    expect((await bench.logged(id, 2, '&state=delivered')).map((one) => one.attempt)).toEqual([1, 2]);
    await admin.request('PATCH', `${WEBHOOKS}/${id}`, { active: false });
    expect((await admin.post(path)).body.code).toBe('webhook_inactive');
  });

  test('ends at once when the receiver says that it is gone', async () => {
    bench.receiver.behave(() => 'gone');
    const { id } = await bench.register();
    await bench.happen();
    await until(async () => !(await admin.get(`${WEBHOOKS}/${id}`)).body.active, 'the end');
    expect((await admin.get(`${WEBHOOKS}/${id}`)).body.disabled_reason).toBe('gone');
    expect(await bench.log(id)).toMatchObject([
      { state: 'given_up', http_status: 410, answer: 'no longer here' },
    ]);
    const told = async () =>
      (await admin.get('/api/v1/events?type=webhook.disabled&limit=500')).body.items.find(
        (event: { data: { webhook_id: string } }) => event.data.webhook_id === id,
      );
    expect((await until(told, 'the event of it')).data).toEqual({ webhook_id: id, reason: 'gone' });
    const audited = await bench.server.system.many(
      sql`select detail from audit where action = 'webhook.disabled' and target_id = ${id}`,
    );
    expect(audited).toEqual([{ detail: { reason: 'gone' } }]);
  });

  test('waits for as long as a busy receiver asks', async () => {
    // 3,600 s are 3.6 s here; the first delay of its own would be 5 ms.
    const busy = await startReceiverDouble({ retryAfterSeconds: 3_600 });
    busy.behave(({ n }) => (n === 0 ? 'busy' : 'accept'));
    const { id } = await bench.register({ url: busy.url });
    await bench.happen();
    await until(async () => busy.received.length === 2, 'the second try');
    const [first, second] = busy.received;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(3_500);
    expect(await bench.logged(id, 2)).toMatchObject([
      { state: 'failed', http_status: 429 },
      { state: 'delivered' },
    ]);
    await busy.close();
  });
});
