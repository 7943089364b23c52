import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isForKeys } from '../../domain/identity/api-key.ts';
import { endSignIns } from '../../store/setup/people.ts';
import { sql } from '../../store/sql.ts';
import { ApiClient, type Answer } from '../harness/client.ts';
import { sampleBody, samplePath } from '../harness/sample.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

const KEYS = '/api/settings/api-keys';
/** Of the right shape, and nobody's. */
const NOBODYS = `tl_live_${'A'.repeat(43)}`;

let server: TestServer;
let admin: ApiClient;
let editor: ApiClient;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.signIn();
  editor = await server.signIn({ email: 'writer@example.com', role: 'editor' });
});
afterAll(() => server?.close());

const make = (by: ApiClient, body: object = {}): Promise<Answer> =>
  by.post(KEYS, { name: 'CI', scopes: ['tasks:read', 'tasks:write', 'events:read'], ...body });
const holder = (key: string, url = server.url): ApiClient => new ApiClient(url, key);
const revoke = (by: ApiClient, id: string): Promise<Answer> => by.request('DELETE', `${KEYS}/${id}`);
const task = { task_name: 'by key', topic: 'keys' };

describe('a key', () => {
  test('is shown once, kept as a hash and listed masked', async () => {
    const { status, body, headers } = await make(editor, { name: 'Production API Key' });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body.key).toMatch(/^tl_live_[\w-]{43}$/);
    expect(body).toMatchObject({
      name: 'Production API Key',
      partial: `tl_live_****${body.key.slice(-4)}`,
      scopes: ['events:read', 'tasks:read', 'tasks:write'],
      status: 'active',
      expires_at: null,
      last_used_at: null,
    });
    const list = (await editor.get(KEYS)).body;
    expect(list.keys).toEqual(list.items);
    const { key, ...shown } = body;
    expect(list.keys).toContainEqual(shown);
    expect(JSON.stringify(list)).not.toContain(key);
    const [row] = await server.system.many<{ key_hash: Buffer; text: string }>(
      sql`select key_hash, k::text as text from api_keys k where id = ${body.id}`,
    );
    expect(row?.key_hash).toEqual(createHash('sha256').update(key).digest());
    expect(row?.text).not.toContain(key.slice(8));
    const audit = await server.system.many<{ action: string; detail: object }>(
      sql`select action, detail from audit where target_id = ${body.id}`,
    );
    expect(audit).toMatchObject([{ action: 'api_key.create', detail: { name: 'Production API Key' } }]);
    expect(JSON.stringify(audit)).not.toContain(key);
  });

  test('opens the API as a bearer token and as X-API-Key, and the audit says that it acted', async () => {
    const { body } = await make(editor);
    expect((await holder(body.key).get('/api/tasks')).status).toBe(200);
    const plain = new ApiClient(server.url);
    expect((await plain.get('/api/tasks', { 'x-api-key': body.key })).status).toBe(200);
    const made = await plain.post('/api/tasks', task, { 'x-api-key': body.key });
    expect(made.status).toBe(201);
    const audit = await server.system.many<{ actor_kind: string; detail: Record<string, unknown> }>(
      sql`select actor_kind, detail from audit where target_id = ${made.body.id}`,
    );
    expect(audit.length).toBeGreaterThan(0);
    for (const entry of audit)
      expect(entry).toMatchObject({ actor_kind: 'user', detail: { api_key_id: body.id } });
    const me = await holder(body.key).get('/auth/me');
    expect(me.body).toMatchObject({ email: 'writer@example.com', scopes: body.scopes });
  });

  test('does no more than its scopes say', async () => {
    const { body } = await make(editor, { scopes: ['tasks:read'] });
    const key = holder(body.key);
    expect((await key.get('/api/tasks')).status).toBe(200);
    const refused = await key.post('/api/tasks', task);
    expect(refused.status).toBe(403);
    expect(refused.body.detail).toBe('Your API key lacks tasks:write.');
    const header = await new ApiClient(server.url).post('/api/tasks', task, { 'x-api-key': body.key });
    expect(header.status).toBe(403);
  });

  test('does no more than its person may do now', async () => {
    const mover = await server.signIn({ email: 'mover@example.com', role: 'editor' });
    const { body } = await make(mover);
    const key = holder(body.key);
    expect((await key.post('/api/tasks', task)).status).toBe(201);
    await server.signIn({ email: 'mover@example.com', role: 'viewer' });
    await until(async () => (await key.post('/api/tasks', task)).status === 403, 'the new role', 5_000);
    expect((await key.get('/api/tasks')).status).toBe(200);
  });

  test('makes, renames and ends no keys, whatever it was given', async () => {
    const { body } = await make(admin, { scopes: ['settings:read', 'settings:write'] });
    const key = holder(body.key);
    expect((await key.get(KEYS)).status).toBe(200);
    expect((await make(key)).status).toBe(403);
    expect((await revoke(key, body.id)).status).toBe(403);
    expect((await key.request('PATCH', `${KEYS}/${body.id}`, { name: 'x' })).status).toBe(403);
    expect((await make(admin, { scopes: ['keys:write'] })).status).toBe(400);
    // Not even one that came into the table some other way.
    await server.system.run(sql`update api_keys set scopes = array['keys:write'] where id = ${body.id}`);
    await server.system.run(sql`select pg_notify('taskloom_identity', '')`);
    await until(async () => (await key.get(KEYS)).status === 403, 'the scopes', 5_000);
    expect((await make(key)).status).toBe(403);
  });

  test('with every scope that there is for keys calls nothing that is for people', async () => {
    const { scopes } = (await admin.get('/auth/me')).body;
    const { body } = await make(admin, { scopes: scopes.filter(isForKeys) });
    const forPeople = server.operations.filter(
      ({ facts, operation }) =>
        facts.isPrivate && !facts.takesKeys && operation.security?.some((way) => 'bearer' in way),
    );
    expect(forPeople.map(({ facts }) => facts.id)).toContain('createApiKey');
    for (const operation of forPeople) {
      const { method } = operation.facts;
      const { status } = await holder(body.key).request(method, samplePath(operation), sampleBody(operation));
      expect(`${method} ${operation.path} ${status}`).toBe(`${method} ${operation.path} 403`);
    }
  });

  test('is given no scope that its person lacks', async () => {
    const { status, body } = await make(editor, { scopes: ['settings:write'] });
    expect([status, body.code]).toEqual([403, 'scope_not_held']);
    const viewer = await server.signIn({ email: 'viewer@example.com', role: 'viewer' });
    expect((await make(viewer, { scopes: ['tasks:read'] })).status).toBe(403);
  });

  test.each([
    { scopes: ['tasks:fly'] },
    { scopes: [] },
    { name: ' ' },
    { name: 'x'.repeat(101) },
    { expires_at: '2020-01-01T00:00:00Z' },
    { expires_at: 'tomorrow' },
  ])('is not made with %j', async (wrong) => {
    expect((await make(editor, wrong)).status).toBe(400);
  });

  test('ends when it expires', async () => {
    const soon = new Date(Date.now() + 1_500).toISOString();
    const { body } = await make(editor, { expires_at: soon });
    const key = holder(body.key);
    expect((await key.get('/api/tasks')).status).toBe(200);
    await until(async () => (await key.get('/api/tasks')).status === 401, 'its end', 5_000);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
    const { keys } = (await editor.get(KEYS)).body;
    expect(keys).toContainEqual(expect.objectContaining({ id: body.id, status: 'expired' }));
  });

  test('says when it was last used, to the minute', async () => {
    const { body } = await make(editor);
    const lastUsed = async (): Promise<string | null> =>
      (await editor.get(KEYS)).body.keys.find(({ id }: { id: string }) => id === body.id).last_used_at;
    expect(await lastUsed()).toBeNull();
    const before = Date.now();
    await holder(body.key).get('/api/tasks');
    const first = await until(async () => (await lastUsed()) ?? false, 'the use', 5_000);
    expect(Math.abs(Date.parse(first) - before)).toBeLessThan(10_000);
    const note = sql`select note_api_key_use(${body.id})`;
    await server.system.run(note);
    expect(await lastUsed()).toBe(first);
    await server.system.run(
      sql`update api_keys set last_used_at = last_used_at - interval '61 seconds' where id = ${body.id}`,
    );
    await server.system.run(note);
    expect(Date.parse((await lastUsed()) ?? '')).toBeGreaterThanOrEqual(Date.parse(first));
  });

  test('that nobody has is answered like one that was revoked', async () => {
    const { body } = await make(editor);
    await revoke(editor, body.id);
    const [revoked, unknown] = [
      await holder(body.key).get('/api/tasks'),
      await holder(NOBODYS).get('/api/tasks'),
    ];
    expect([revoked.status, unknown.status]).toEqual([401, 401]);
    expect(revoked.body.detail).toBe(unknown.body.detail);
    for (const odd of ['tl_live_', 'tl_live_short', `${NOBODYS}x`, `tl_live_${'ü'.repeat(43)}`]) {
      const answer = await new ApiClient(server.url).get('/api/tasks', {
        authorization: `Bearer ${encodeURIComponent(odd)}`,
      });
      expect(answer.status).toBe(401);
    }
    const plain = new ApiClient(server.url);
    expect((await plain.get('/api/tasks', { 'x-api-key': NOBODYS })).status).toBe(401);
    expect((await plain.get('/api/tasks', { 'x-api-key': admin.token ?? '' })).status).toBe(401);
    // A sign-in beside it is what counts.
    expect((await admin.get('/api/tasks', { 'x-api-key': NOBODYS })).status).toBe(200);
  });
});

describe('keys of others', () => {
  test('are seen, renamed and ended by administrators of the workspace alone', async () => {
    const { body } = await make(editor, { name: 'theirs' });
    const other = await server.signIn({ email: 'other@example.com', role: 'editor' });
    const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
    const ids = async (client: ApiClient): Promise<string[]> =>
      (await client.get(KEYS)).body.keys.map(({ id }: { id: string }) => id);
    expect(await ids(admin)).toContain(body.id);
    for (const client of [other, stranger]) {
      expect(await ids(client)).not.toContain(body.id);
      expect((await revoke(client, body.id)).status).toBe(404);
      expect((await client.request('PATCH', `${KEYS}/${body.id}`, { name: 'x' })).status).toBe(404);
    }
    const renamed = await admin.request('PATCH', `${KEYS}/${body.id}`, { name: 'better' });
    expect(renamed.body).toMatchObject({ id: body.id, name: 'better' });
    expect((await revoke(admin, body.id)).status).toBe(204);
    expect((await revoke(admin, body.id)).status).toBe(404);
    expect(await ids(admin)).not.toContain(body.id);
    expect((await holder(body.key).get('/api/tasks')).status).toBe(401);
  });

  test('of another workspace see only that one', async () => {
    const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
    await admin.post('/api/tasks', task);
    const { body } = await make(stranger);
    expect((await holder(body.key).get('/api/tasks')).body.total).toBe(0);
  });
});

describe('the end of a key', () => {
  test('is known at once to another process', async () => {
    const second = await server.another();
    try {
      const { body } = await make(editor);
      const there = holder(body.key, second.url);
      expect((await there.get('/api/tasks')).status).toBe(200);
      const begun = Date.now();
      await revoke(editor, body.id);
      await until(async () => (await there.get('/api/tasks')).status === 401, 'the end', 4_000);
      // A lost hint would have taken five seconds.
      expect(Date.now() - begun).toBeLessThan(4_000);
    } finally {
      await second.close();
    }
  });

  test('comes when its person is disabled or leaves the workspace', async () => {
    for (const [email, end] of [
      ['gone@example.com', () => endSignIns(server.system, 'gone@example.com', true)],
      [
        'left@example.com',
        () =>
          server.system.transaction(async (db) => {
            await db.run(
              sql`delete from memberships where user_id = (select id from users where email = 'left@example.com')`,
            );
            await db.run(sql`select pg_notify('taskloom_identity', '')`);
          }),
      ],
    ] as const) {
      const person = await server.signIn({ email, role: 'editor' });
      const { body } = await make(person);
      expect((await holder(body.key).get('/api/tasks')).status).toBe(200);
      await end();
      await until(async () => (await holder(body.key).get('/api/tasks')).status === 401, email, 4_000);
    }
  });
});
