import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

const TOKENS = '/api/settings/webhooks/tokens';

let server: TestServer;
let admin: ApiClient;
let sender: ApiClient;
let token: string;
let tokenId: string;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.signIn();
  sender = new ApiClient(server.url);
  const { body } = await admin.post(TOKENS, { name: 'The build server' });
  token = body.token;
  tokenId = body.id;
});
afterAll(() => server?.close());

const event = (fields: object = {}) => ({
  event: 'deployment.success',
  timestamp: new Date().toISOString(),
  data: { version: '1.2.3' },
  ...fields,
});
const send = (body: object, headers: Record<string, string> = {}) =>
  sender.post('/api/webhooks/', body, { 'x-webhook-token': token, ...headers });
const inbox = () =>
  server.system.many<{ event: string; data: object; event_key: string; workspace: string }>(
    sql`select i.event, i.data, i.event_key, w.slug as workspace from webhook_inbox i join workspaces w on w.id = i.workspace_id order by i.received_at`,
  );

describe('an event from outside', () => {
  test('is acknowledged and kept where kinds of waiting find it, in the log and in the audit', async () => {
    const { status, body } = await send(event({ data: { id: 'build-1', url: 'https://example.com' } }));
    expect([status, body]).toEqual([200, { acknowledged: true }]);
    expect(await inbox()).toEqual([
      {
        event: 'deployment.success',
        data: { id: 'build-1', url: 'https://example.com' },
        event_key: 'data:build-1',
        workspace: 'default',
      },
    ]);
    const told = await until(async () => {
      const { items } = (await admin.get('/api/v1/events?type=webhook.received')).body;
      return items.length > 0 && items;
    }, 'the event of it');
    expect(told).toMatchObject([
      { stream: `webhook:${tokenId}`, data: { token_id: tokenId, event: 'deployment.success' } },
    ]);
    const audited = await server.system.many(
      sql`select actor_kind, detail->>'event' as event from audit where action = 'webhook.received' and target_id = ${tokenId}`,
    );
    expect(audited).toEqual([{ actor_kind: 'webhook', event: 'deployment.success' }]);
    expect((await admin.get(TOKENS)).body.items[0].last_used_at).not.toBeNull();
  });

  test.each([
    ['by its own id', { data: { id: 'same' } }, {}],
    ['by the header', {}, { 'webhook-id': 'msg_same' }],
    ['by its body', { timestamp: new Date().toISOString(), data: { only: 'once' } }, {}],
  ])('has one effect however often it comes, told %s', async (_how, fields, headers) => {
    const before = (await inbox()).length;
    const body = event(fields);
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(body, headers)));
    for (const answer of answers) expect([answer.status, answer.body]).toEqual([200, { acknowledged: true }]);
    expect((await inbox()).length).toBe(before + 1);
  });

  test.each([301_000, -301_000])('is refused with a clock that is %d ms off', async (ms) => {
    const before = (await inbox()).length;
    const answer = await send(event({ timestamp: new Date(Date.now() + ms).toISOString() }));
    expect([answer.status, answer.body.code]).toEqual([400, 'stale_timestamp']);
    expect(answer.body.fields['body.timestamp']).toContain('five minutes');
    expect((await inbox()).length).toBe(before);
  });

  test.each([
    [{ event: 'task.exploded' }],
    [{ timestamp: 'yesterday' }],
    [{ data: 'text' }],
    [{ surprise: true }],
    [{ data: undefined }],
  ])('is refused with %j', async (fields) => {
    const answer = await send(event(fields));
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_error']);
  });
});

describe('a token', () => {
  test('is shown once and kept as its digest', async () => {
    expect(token).toMatch(/^whtok_[\da-f]{32}_[\w-]{43}$/);
    expect(JSON.stringify((await admin.get(TOKENS)).body)).not.toContain('whtok_');
    const rows = await server.system.many<{ all: string }>(
      sql`select row_to_json(t)::text as all from webhook_tokens t union all select detail::text from audit`,
    );
    for (const { all } of rows) expect(all).not.toContain(token.slice(-20));
  });

  test('that is missing, made up, changed or revoked opens nothing', async () => {
    const made = (await admin.post(TOKENS, { name: 'Soon gone' })).body;
    expect((await send(event(), { 'x-webhook-token': made.token })).status).toBe(200);
    expect((await admin.request('DELETE', `${TOKENS}/${made.id}`)).status).toBe(204);
    expect((await admin.request('DELETE', `${TOKENS}/${made.id}`)).status).toBe(404);
    const last = token.at(-1) === 'A' ? 'E' : 'A';
    const wrong = [
      made.token,
      token.slice(0, -1) + last,
      token.slice(0, -1),
      `whtok_${'0'.repeat(32)}_${'A'.repeat(43)}`,
      'x',
      `${token} `.repeat(2),
    ];
    for (const value of wrong) {
      const answer = await send(event(), { 'x-webhook-token': value });
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
    }
    expect((await sender.post('/api/webhooks', event())).status).toBe(401);
    expect((await admin.post('/api/webhooks', event())).status).toBe(401);
  });

  test('opens nothing but this door', async () => {
    expect((await sender.get(TOKENS, { 'x-webhook-token': token })).status).toBe(401);
  });

  test('puts events into its own workspace alone', async () => {
    const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
    const theirs = (await stranger.post(TOKENS, { name: 'Theirs' })).body;
    expect((await send(event({ data: { id: 'build-1' } }), { 'x-webhook-token': theirs.token })).status).toBe(
      200,
    );
    expect((await inbox()).at(-1)).toMatchObject({ event_key: 'data:build-1', workspace: 'elsewhere' });
    expect((await stranger.request('DELETE', `${TOKENS}/${tokenId}`)).status).toBe(404);
    expect((await stranger.get(TOKENS)).body.total).toBe(1);
  });
});
