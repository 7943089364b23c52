import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { openStore, type Store } from '../../store/store.ts';
import { sql } from '../../store/sql.ts';
import { startReceiverDouble, type ReceiverDouble } from '../doubles/receiver-double.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

const WEBHOOKS = '/api/settings/webhooks';

let server: TestServer;
let admin: ApiClient;
let receiver: ReceiverDouble;
let store: Store;
let workspaceId: string;

beforeAll(async () => {
  receiver = await startReceiverDouble();
  // An hour is 3.6 s here.
  server = await startTestServer({ outgoingAllow: ['127.0.0.1'], webhookTimeScale: '0.001' });
  admin = await server.signIn();
  await server.startWorker();
  store = await openStore(server.config.database.app ?? '');
  const row = await store.beforeWorkspace<{ id: string }>(sql`select workspace_id_of('default') as id`);
  workspaceId = row?.id ?? '';
});
afterAll(async () => {
  await store?.close();
  await server?.close();
  await receiver?.close();
});
afterEach(async () => {
  receiver.behave(() => 'accept');
  for (const { id } of (await admin.get(WEBHOOKS)).body.items)
    await admin.request('DELETE', `${WEBHOOKS}/${id}`);
});

const create = async (fields: object = {}) => {
  const answer = await admin.post(WEBHOOKS, {
    url: receiver.url,
    events: ['budget.*'],
    active: true,
    ...fields,
  });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body as { id: string; secret: string };
};
let streams = 0;
/** Something happens. @returns the stream that it happened in. */
const happen = async (type = 'budget.overrun', stream = `matter:${++streams}`): Promise<string> => {
  await store.write(workerPrincipal(workspaceId), async (tx) =>
    tx.emit(stream, type, { note: 'private words' }),
  );
  return stream;
};
/** What has its place in the feed is before whatever begins now. */
const inFeed = (stream: string) =>
  until(
    () => server.system.maybe(sql`select 1 from events where stream = ${stream} and pos is not null`),
    `a place for ${stream} in the feed`,
  );
const arrivals = (stream: string) => receiver.received.filter(({ body }) => body.data.stream === stream);
const arrival = (stream: string, n = 1) =>
  until(async () => arrivals(stream)[n - 1], `call ${n} of ${stream}`);
const log = async (id: string, query = '') => (await admin.get(`${WEBHOOKS}/${id}/deliveries${query}`)).body;
const logged = (id: string, n: number, query = '') =>
  until(async () => {
    const page = await log(id, query);
    return page.total >= n && page.items;
  }, `${n} tries in the log`);

describe('an outgoing webhook', () => {
  test('tells of an event by its ids, signed so that the receiver can verify it', async () => {
    const { id, secret } = await create();
    const stream = await happen();
    const { headers, raw, body } = await arrival(stream);
    expect(new Webhook(secret).verify(raw, headers as Record<string, string>)).toEqual(body);
    expect(body).toEqual({
      type: 'budget.overrun',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: { stream, seq: 1, links: {} },
    });
    expect(raw).not.toContain('private words');
    const [entry] = await logged(id, 1, '?state=delivered');
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
    const { id, secret } = await create();
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    const shown = [await admin.get(`${WEBHOOKS}/${id}`), await admin.get(WEBHOOKS)];
    for (const { body } of shown) expect(JSON.stringify(body)).not.toContain('whsec_');
    const rows = await server.system.many<{ all: string }>(
      sql`select row_to_json(w)::text as all from webhook_endpoints w union all select detail::text from audit union all select answer::text from idempotency_keys`,
    );
    for (const { all } of rows) expect(all ?? '').not.toContain(secret.slice(6, 30));
  });

  test('calls the end of a task’s run by the word of the documents', async () => {
    await create({ events: ['task.completed', 'task.failed'] });
    const published = await startPipeline(admin, 'A matter of words');
    await awaitApproval(admin, published.taskId);
    await admin.post(`/api/orchestrator/approve/${published.taskId}`, { approved: true });
    await awaitEnd(admin, published.runId);
    const cancelled = await startPipeline(admin, 'Another matter of words');
    await admin.post(`/api/v1/runs/${cancelled.runId}/cancel`);
    const done = await arrival(`run:${published.runId}`);
    const links = {
      run: `${server.config.http.publicUrl}/api/v1/runs/${published.runId}`,
      task: `${server.config.http.publicUrl}/api/tasks/${published.taskId}`,
    };
    expect(done.body).toMatchObject({
      type: 'task.completed',
      data: { run_id: published.runId, task_id: published.taskId, status: 'completed', links },
    });
    expect(done.raw).not.toContain('matter of words');
    expect((await arrival(`run:${cancelled.runId}`)).body).toMatchObject({
      type: 'task.failed',
      data: { task_id: cancelled.taskId, outcome: 'cancelled' },
    });
    expect(arrivals(`run:${published.runId}`)).toHaveLength(1);
  });

  test('signs with both secrets after a rotation, and with the new one alone a day later', async () => {
    const { id, secret } = await create();
    const rotated = await admin.post(`${WEBHOOKS}/${id}/rotate-secret`);
    expect(rotated.status).toBe(200);
    expect(rotated.body.secret).not.toBe(secret);
    const hours = (Date.parse(rotated.body.former_secret_until) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThan(24.1);
    const both = await arrival(await happen());
    const headers = both.headers as Record<string, string>;
    for (const each of [secret, rotated.body.secret])
      expect(() => new Webhook(each).verify(both.raw, headers)).not.toThrow();
    await server.system.run(sql`update webhook_endpoints set former_until = now() where id = ${id}`);
    const one = await arrival(await happen());
    expect(() => new Webhook(rotated.body.secret).verify(one.raw, one.headers as never)).not.toThrow();
    expect(() => new Webhook(secret).verify(one.raw, one.headers as never)).toThrow();
  });

  test('is told of nothing that it did not ask for, nor of what was before it', async () => {
    const before = await happen();
    await inFeed(before);
    await create();
    const other = await happen('approval.requested');
    await arrival(await happen());
    expect([arrivals(before), arrivals(other)]).toEqual([[], []]);
  });

  test('tries a test event at once and answers how it went, also while it is not active', async () => {
    const { id, secret } = await create({ active: false });
    const good = await admin.post(`${WEBHOOKS}/${id}/test`);
    expect(good.body).toMatchObject({
      event: 'webhook.test',
      state: 'delivered',
      http_status: 204,
      attempt: 1,
    });
    const call = receiver.received.find((one) => one.id === good.body.message_id);
    expect(new Webhook(secret).verify(call?.raw ?? '', call?.headers as never)).toMatchObject({
      type: 'webhook.test',
    });
    receiver.behave(() => 'fail');
    const bad = await admin.post(`${WEBHOOKS}/${id}/test`);
    expect(bad.body).toMatchObject({ state: 'failed', http_status: 500, next_attempt_at: null });
    expect(bad.body.answer).toHaveLength(1_024);
    expect((await log(id)).total).toBe(2);
  });

  test('changes with the next try: another address, no more tries, none at all', async () => {
    const other = await startReceiverDouble();
    receiver.behave(() => 'fail');
    const { id } = await create();
    const stream = await happen();
    await arrival(stream);
    const moved = await admin.request('PATCH', `${WEBHOOKS}/${id}`, { url: other.url });
    expect(moved.body).toMatchObject({ url: other.url, active: true });
    await until(async () => other.received.length === 1, 'the try at the new address');
    await admin.request('PATCH', `${WEBHOOKS}/${id}`, { active: false });
    const rested = await happen();
    await inFeed(rested);
    expect((await admin.get(`${WEBHOOKS}/${id}`)).body).toMatchObject({
      active: false,
      disabled_reason: 'by_hand',
    });
    await admin.request('PATCH', `${WEBHOOKS}/${id}`, { active: true });
    const awake = await happen();
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
    const { id } = await create();
    const stream = await happen();
    const first = await arrival(stream);
    const [entry] = await logged(id, 1, '?state=delivered');
    const path = `${WEBHOOKS}/${id}/deliveries/${entry.id}/redeliver`;
    const asked = await admin.post(path, undefined, { 'idempotency-key': 'again' });
    expect(asked.status).toBe(202);
    expect(
      (await admin.post(path, undefined, { 'idempotency-key': 'again' })).headers.get('idempotency-replayed'),
    ).toBe('true');
    const again = await arrival(stream, 2);
    expect([again.id, again.raw]).toEqual([first.id, first.raw]);
    expect((await logged(id, 2, '?state=delivered')).map((one: { attempt: number }) => one.attempt)).toEqual([
      2, 1,
    ]);
    await admin.request('PATCH', `${WEBHOOKS}/${id}`, { active: false });
    expect((await admin.post(path)).body.code).toBe('webhook_inactive');
  });

  test('ends at once when the receiver says that it is gone', async () => {
    receiver.behave(() => 'gone');
    const { id } = await create();
    await happen();
    await until(async () => !(await admin.get(`${WEBHOOKS}/${id}`)).body.active, 'the end');
    expect((await admin.get(`${WEBHOOKS}/${id}`)).body.disabled_reason).toBe('gone');
    expect((await log(id)).items).toMatchObject([
      { state: 'given_up', http_status: 410, answer: 'no longer here' },
    ]);
    const told = async () =>
      (await admin.get('/api/v1/events?type=webhook.disabled&limit=500')).body.items.find(
        (event: { data: { webhook_id: string } }) => event.data.webhook_id === id,
      );
    expect((await until(told, 'the event of it')).data).toEqual({ webhook_id: id, reason: 'gone' });
    const audited = await server.system.many(
      sql`select detail from audit where action = 'webhook.disabled' and target_id = ${id}`,
    );
    expect(audited).toEqual([{ detail: { reason: 'gone' } }]);
  });

  test('waits for as long as a busy receiver asks', async () => {
    // 3,600 s are 3.6 s here; the first delay of its own would be 5 ms.
    const busy = await startReceiverDouble({ retryAfterSeconds: 3_600 });
    busy.behave(({ n }) => (n === 0 ? 'busy' : 'accept'));
    const { id } = await create({ url: busy.url });
    await happen();
    await until(async () => busy.received.length === 2, 'the second try');
    const [first, second] = busy.received;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(3_500);
    expect(await logged(id, 2)).toMatchObject([
      { state: 'delivered' },
      { state: 'failed', http_status: 429 },
    ]);
    await busy.close();
  });
});

describe('a webhook is refused', () => {
  test.each([
    ['events.0', { events: ['task.exploded'] }, 'no event is called'],
    ['url', { url: 'http://10.0.0.1/hook' }, 'not on the public internet'],
    ['url', { url: 'http://[::1]/hook' }, 'not on the public internet'],
    ['url', { url: 'https://user:word@203.0.113.9/' }, 'Only http and https'],
    ['url', { url: 'ftp://example.com/' }, ''],
    ['events', { events: [] }, ''],
  ])('for its %s: %j', async (field, fields, words) => {
    const { status, body } = await admin.post(WEBHOOKS, { url: receiver.url, events: ['*'], ...fields });
    expect([status, body.code]).toEqual([400, 'validation_error']);
    expect(JSON.stringify(body.fields)).toContain(field);
    expect(body.detail).toContain(words);
    expect((await admin.get(WEBHOOKS)).body.total).toBe(0);
  });

  test('also when it is changed', async () => {
    const { id } = await create();
    for (const change of [{ url: 'http://127.0.0.2/' }, { events: ['nothing.*'] }, {}])
      expect((await admin.request('PATCH', `${WEBHOOKS}/${id}`, change)).status).toBe(400);
  });

  test('from a role that may only read, and to one that may not even that', async () => {
    const editor = await server.signIn({ email: 'only-editor@example.com', role: 'editor' });
    const viewer = await server.signIn({ email: 'only-viewer@example.com', role: 'viewer' });
    expect((await editor.get(WEBHOOKS)).status).toBe(200);
    expect((await editor.post(WEBHOOKS, { url: receiver.url, events: ['*'] })).status).toBe(403);
    expect((await viewer.get(WEBHOOKS)).status).toBe(403);
  });
});

test('every change is audited, without secrets', async () => {
  const { id } = await create();
  await admin.request('PATCH', `${WEBHOOKS}/${id}`, { events: ['*'], active: false });
  await admin.post(`${WEBHOOKS}/${id}/rotate-secret`);
  await admin.post(`${WEBHOOKS}/${id}/test`);
  await admin.request('DELETE', `${WEBHOOKS}/${id}`);
  const rows = await server.system.many<{ action: string; detail: object }>(
    sql`select action, detail from audit where target_id = ${id} order by id`,
  );
  expect(rows.map(({ action }) => action)).toEqual([
    'webhook.create',
    'webhook.update',
    'webhook.rotate_secret',
    'webhook.test',
    'webhook.delete',
  ]);
  expect(rows[1]?.detail).toMatchObject({
    from: { events: ['budget.*'], active: true },
    to: { events: ['*'], active: false },
  });
});

test('another workspace’s webhooks hear nothing of ours', async () => {
  const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
  const theirs = await startReceiverDouble();
  await stranger.post(WEBHOOKS, { url: theirs.url, events: ['*'], active: true });
  await create();
  await arrival(await happen());
  const row = await store.beforeWorkspace<{ id: string }>(sql`select workspace_id_of('elsewhere') as id`);
  await store.write(workerPrincipal(row?.id ?? ''), async (tx) => tx.emit('own:1', 'budget.overrun', {}));
  await until(
    async () => theirs.received.some(({ body }) => body.data.stream === 'own:1'),
    'their own event',
  );
  expect(theirs.received.map(({ body }) => body.data.stream)).toEqual(['own:1']);
  await theirs.close();
});
