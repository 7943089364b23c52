import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { startReceiverDouble } from '../doubles/receiver-double.ts';
import type { ApiClient } from '../harness/client.ts';
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

describe('a webhook is refused', () => {
  test.each([
    ['events.0', { events: ['task.exploded'] }, 'no event is called'],
    ['url', { url: 'http://10.0.0.1/hook' }, 'not on the public internet'],
    ['url', { url: 'http://[::1]/hook' }, 'not on the public internet'],
    ['url', { url: 'https://user:word@203.0.113.9/' }, 'Only http and https'],
    ['url', { url: 'ftp://example.com/' }, ''],
    ['events', { events: [] }, ''],
  ])('for its %s: %j', async (field, fields, words) => {
    const { status, body } = await admin.post(WEBHOOKS, {
      url: bench.receiver.url,
      events: ['*'],
      ...fields,
    });
    expect([status, body.code]).toEqual([400, 'validation_error']);
    expect(JSON.stringify(body.fields)).toContain(field);
    expect(body.detail).toContain(words);
    expect((await admin.get(WEBHOOKS)).body.total).toBe(0);
  });

  test('also when it is changed', async () => {
    const { id } = await bench.register();
    for (const change of [{ url: 'http://127.0.0.2/' }, { events: ['nothing.*'] }, {}])
      expect((await admin.request('PATCH', `${WEBHOOKS}/${id}`, change)).status).toBe(400);
  });

  test('from a role that may only read, and to one that may not even that', async () => {
    const editor = await bench.server.signIn({ email: 'only-editor@example.com', role: 'editor' });
    const viewer = await bench.server.signIn({ email: 'only-viewer@example.com', role: 'viewer' });
    expect((await editor.get(WEBHOOKS)).status).toBe(200);
    expect((await editor.post(WEBHOOKS, { url: bench.receiver.url, events: ['*'] })).status).toBe(403);
    expect((await viewer.get(WEBHOOKS)).status).toBe(403);
  });
});

test('a workspace has a hundred of them at most', async () => {
  await bench.server.system.run(
    sql`insert into webhook_endpoints (id, workspace_id, url, events, active, secret, cursor_pos)
        select uuidv7(), workspace_id_of('default'), 'https://example.com', '{*}', false, '', 0 from generate_series(1, 100)`,
  );
  const refused = await admin.post(WEBHOOKS, { url: bench.receiver.url, events: ['*'] });
  expect([refused.status, refused.body.code]).toEqual([409, 'too_many_webhooks']);
  await bench.server.system.run(sql`delete from webhook_endpoints`);
});

test('every change is audited, without secrets', async () => {
  const { id } = await bench.register();
  await admin.request('PATCH', `${WEBHOOKS}/${id}`, { events: ['*'], active: false });
  await admin.post(`${WEBHOOKS}/${id}/rotate-secret`);
  await admin.post(`${WEBHOOKS}/${id}/test`);
  await admin.request('DELETE', `${WEBHOOKS}/${id}`);
  const rows = await bench.server.system.many<{ action: string; detail: object }>(
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
  const stranger = await bench.server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
  const theirs = await startReceiverDouble();
  await stranger.post(WEBHOOKS, { url: theirs.url, events: ['*'], active: true });
  await bench.register();
  await bench.call(await bench.happen());
  await bench.happen('own:1', 'budget.overrun', 'elsewhere');
  await until(
    async () => theirs.received.some(({ body }) => body.data.stream === 'own:1'),
    'their own event',
  );
  expect(theirs.received.map(({ body }) => body.data.stream)).toEqual(['own:1']);
  await theirs.close();
});
