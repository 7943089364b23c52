import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { open } from '../../platform/sealed.ts';
import { sql } from '../../store/sql.ts';
import { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let admin: ApiClient;
let editor: ApiClient;
let stranger: ApiClient;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.signIn();
  editor = await server.signIn({ email: 'writer@example.com', role: 'editor' });
  stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
});
afterAll(() => server?.close());

const create = (body: object) => admin.post('/api/settings/create', body);
const auditOf = (targetId: string) =>
  server.system.many<{ action: string; detail: object }>(
    sql`select action, detail from audit where target_id = ${targetId} order by id`,
  );

describe('a setting', () => {
  test('is made, read, listed, changed and removed, and the audit tells each', async () => {
    const made = await create({ key: 'retry.limit', value: '3', type: 'int' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      key: 'retry.limit',
      value: 3,
      type: 'int',
      is_secret: false,
      version: 1,
    });
    const path = `/api/settings/${made.body.id}`;
    expect((await editor.get(path)).body).toEqual(made.body);
    const list = (await editor.get('/api/settings')).body;
    expect(list.settings).toEqual(list.items);
    expect(list.items).toContainEqual(made.body);
    const changed = await admin.request('PUT', path, { value: 4 });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ value: 4, version: 2 });
    expect((await admin.request('DELETE', path)).status).toBe(204);
    expect((await admin.get(path)).status).toBe(404);
    expect((await admin.request('DELETE', path)).status).toBe(404);
    expect(await auditOf(made.body.id)).toEqual([
      {
        action: 'setting.create',
        detail: { key: 'retry.limit', type: 'int', is_secret: false, after: 3 },
      },
      { action: 'setting.update', detail: { key: 'retry.limit', before: 3, after: 4 } },
      { action: 'setting.delete', detail: { key: 'retry.limit', before: 4 } },
    ]);
  });

  test('has one key in a workspace, and every workspace its own', async () => {
    const body = { key: 'only-once', value: 'a', type: 'string' };
    const [one, other] = await Promise.all([create(body), create(body)]);
    expect(new Set([one.status, other.status])).toEqual(new Set([201, 409]));
    expect([one, other].find(({ status }) => status === 409)?.body.code).toBe('setting_exists');
    expect((await stranger.post('/api/settings/create', body)).status).toBe(201);
    expect((await stranger.get('/api/settings')).body.total).toBe(1);
  });

  test.each([
    ['int', 'many'],
    ['int', 1.5],
    ['bool', 'yes'],
    ['string', 7],
    ['json', '{'],
    ['json', '"\\u0000"'],
    ['json', '"\\ud800"'],
    ['json', '1e999'],
    ['json', `${'['.repeat(60)}${']'.repeat(60)}`],
    ['string', 'x'.repeat(32_768)],
  ])('of type %s is no %j', async (type, value) => {
    const { status, body } = await create({ key: 'bad-value', value, type });
    expect(status).toBe(400);
    expect(body.code).toBe('validation_error');
    expect(JSON.stringify(body.fields)).toContain('body.value');
  });

  test('keeps its type, and any JSON that fits it', async () => {
    const { body } = await create({ key: 'shape', value: { a: [1, null, 'x'] }, type: 'json' });
    const path = `/api/settings/${body.id}`;
    expect((await admin.request('PUT', path, { value: '{"__proto__":{"b":1}}' })).status).toBe(200);
    expect(JSON.stringify((await admin.get(path)).body.value)).toBe('{"__proto__":{"b":1}}');
    expect((await admin.request('PUT', path, { value: null })).body.value).toBeNull();
    expect((await admin.request('PUT', path, { value: 'no JSON' })).status).toBe(400);
  });

  test('is changed only from the version that was seen', async () => {
    const { body } = await create({ key: 'versioned', value: true, type: 'bool' });
    const put = (version: number) =>
      admin.request('PUT', `/api/settings/${body.id}`, { value: false, version });
    const answers = await Promise.all([put(1), put(1)]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    expect((await put(2)).status).toBe(200);
  });

  test.each(['', '1st', 'a b', 'ü', 'a'.repeat(101), '../x'])('has no key like %j', async (key) => {
    expect((await create({ key, value: 'a', type: 'string' })).status).toBe(400);
  });

  test('is read by editors and written by administrators', async () => {
    expect((await editor.post('/api/settings/create', { key: 'k', value: 'a', type: 'string' })).status).toBe(
      403,
    );
    const { body } = await create({ key: 'mine', value: 'a', type: 'string' });
    const path = `/api/settings/${body.id}`;
    for (const method of ['PUT', 'DELETE']) {
      const change = method === 'PUT' ? { value: 'b' } : undefined;
      expect((await editor.request(method, path, change)).status).toBe(403);
      expect((await stranger.request(method, path, change)).status).toBe(404);
    }
    expect((await stranger.get(path)).status).toBe(404);
  });

  test('never takes the name of another address', async () => {
    expect((await admin.get('/api/settings/create')).status).toBe(405);
    expect((await admin.request('PUT', '/api/settings/api-keys', { value: 'a' })).status).toBe(405);
    expect((await admin.request('DELETE', '/api/settings/general')).status).toBe(405);
    expect((await admin.get('/api/settings/theme/')).body).toHaveProperty('accent_color');
  });
});

describe('a secret', () => {
  const SECRET = 'correct-horse-battery-staple-7';

  test('is sealed where it is kept, masked where it is read, and never in the audit', async () => {
    const made = await create({ key: 'vendor.token', value: SECRET, type: 'string', is_secret: true });
    expect(made.status).toBe(201);
    const { id } = made.body;
    const other = `${SECRET}-changed`;
    const changed = await admin.request('PUT', `/api/settings/${id}`, { value: other });
    for (const { body } of [
      made,
      changed,
      await admin.get(`/api/settings/${id}`),
      await admin.get('/api/settings'),
    ]) {
      expect(JSON.stringify(body)).toContain('********');
      expect(JSON.stringify(body)).not.toContain(SECRET);
    }
    const [row] = await server.system.many<{ value: unknown; sealed: string }>(
      sql`select value, sealed from settings where id = ${id}`,
    );
    expect(row?.value).toBeNull();
    expect(open(server.config.secretKey, 'setting', id, row?.sealed ?? '')).toBe(JSON.stringify(other));
    expect(() => open(Buffer.alloc(32), 'setting', id, row?.sealed ?? '')).toThrow();
    await admin.request('DELETE', `/api/settings/${id}`);
    expect((await auditOf(id)).map(({ action }) => action)).toEqual([
      'setting.create',
      'setting.update',
      'setting.delete',
    ]);
    // Not in any row of any table.
    const tables = await server.system.many<{ name: string }>(
      sql`select relname as name from pg_class where relkind in ('r', 'p') and not relispartition
           and relnamespace = 'public'::regnamespace and has_table_privilege(oid, 'select')`,
    );
    expect(tables.length).toBeGreaterThan(20);
    for (const { name } of tables) {
      const found = await server.system.many({
        text: `select 1 from "${name}" t where t::text like '%' || $1 || '%'`,
        values: [SECRET],
      });
      expect([name, found]).toEqual([name, []]);
    }
  });

  test('is not overwritten by its own mask, and any of the types can be one', async () => {
    const { body } = await create({ key: 'pin', value: 1234, type: 'int', is_secret: true });
    expect(body.value).toBe('********');
    expect((await admin.request('PUT', `/api/settings/${body.id}`, { value: '********' })).status).toBe(400);
    const mask = { key: 'masked', value: '********', type: 'string', is_secret: true };
    expect((await create(mask)).status).toBe(400);
  });
});

describe('the general settings', () => {
  const page = async (): Promise<string> => (await new ApiClient(server.url).get('/posts')).body;

  test('name the site, and say its language', async () => {
    expect((await editor.get('/api/settings/general')).body).toEqual({
      app_name: 'Taskloom',
      language: 'en',
      timezone: 'UTC',
    });
    const change = { app_name: ' Glad <Labs> ', language: 'de-at', timezone: 'europe/vienna' };
    const changed = await admin.request('PUT', '/api/settings/general', change);
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({ app_name: 'Glad <Labs>', language: 'de-AT', timezone: 'Europe/Vienna' });
    const html = await page();
    expect(html).toContain('<html lang="de-AT">');
    expect(html).toContain('<title>Glad &lt;Labs&gt;</title>');
    const [entry] = await server.system.many(
      sql`select detail from audit where action = 'settings.general' order by id desc limit 1`,
    );
    expect(entry).toEqual({
      detail: {
        before: { app_name: 'Taskloom', language: 'en', timezone: 'UTC' },
        after: { app_name: 'Glad <Labs>', language: 'de-AT', timezone: 'Europe/Vienna' },
      },
    });
  });

  test('keep what is left out, and belong to one workspace', async () => {
    await admin.request('PUT', '/api/settings/general', { timezone: 'UTC' });
    expect((await admin.get('/api/settings/general')).body).toMatchObject({ language: 'de-AT' });
    expect((await stranger.get('/api/settings/general')).body).toEqual({
      app_name: 'elsewhere',
      language: 'en',
      timezone: 'UTC',
    });
    await stranger.request('PUT', '/api/settings/general', { app_name: 'Theirs' });
    expect(await page()).not.toContain('Theirs');
    expect((await editor.request('PUT', '/api/settings/general', { app_name: 'E' })).status).toBe(403);
  });

  test.each([
    { language: 'not a tag' },
    { language: 'x' },
    { timezone: 'Nowhere/City' },
    { app_name: '  ' },
    {},
  ])('refuse %j', async (change) => {
    const before = (await admin.get('/api/settings/general')).body;
    expect((await admin.request('PUT', '/api/settings/general', change)).status).toBe(400);
    expect((await admin.get('/api/settings/general')).body).toEqual(before);
  });
});

describe('the theme', () => {
  const css = async (): Promise<string> => (await new ApiClient(server.url).get('/posts/style.css')).body;
  const DEFAULT = { theme: 'auto', accent_color: '#0D5C63', is_default: true };

  test('is seen on the site, and gone when it is reset', async () => {
    const original = await css();
    expect((await editor.get('/api/settings/theme')).body).toEqual(DEFAULT);
    const choice = { theme: 'dark', accent_color: '#FF0000' };
    const chosen = await admin.request('PUT', '/api/settings/theme', choice);
    expect(chosen.status).toBe(200);
    expect(chosen.body).toEqual({ ...choice, is_default: false });
    expect((await editor.get('/api/settings/theme')).body).toEqual(chosen.body);
    expect(await css()).toContain('color-scheme: dark;');
    expect(await css()).not.toContain('prefers-color-scheme');
    expect((await new ApiClient(server.url).get('/posts')).body).toContain(
      '<meta name="color-scheme" content="dark" />',
    );
    await admin.request('PUT', '/api/settings/theme', { theme: 'light', accent_color: '#b00020' });
    expect(await css()).toContain('--accent: #b00020');
    expect((await admin.request('DELETE', '/api/settings/theme')).status).toBe(204);
    expect((await admin.get('/api/settings/theme')).body).toEqual(DEFAULT);
    expect(await css()).toBe(original);
    const entries = await server.system.many(
      sql`select detail from audit where action = 'settings.theme' order by id`,
    );
    expect(entries[0]).toEqual({
      detail: {
        before: { scheme: 'auto', accent: '#0d5c63' },
        after: { scheme: 'dark', accent: '#ff0000' },
      },
    });
    expect(entries).toHaveLength(3);
  });

  test.each([
    { theme: 'pink' },
    { theme: 'dark', accent_color: 'red' },
    { theme: 'dark', accent_color: '#fff' },
    { theme: 'dark', accent_color: '#ff0000; } body { display: none' },
    { accent_color: '#ff0000' },
  ])('is not %j', async (choice) => {
    expect((await admin.request('PUT', '/api/settings/theme', choice)).status).toBe(400);
    expect((await admin.get('/api/settings/theme')).body).toEqual(DEFAULT);
  });
});
