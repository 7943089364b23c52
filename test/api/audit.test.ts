import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sealEntries } from '../../store/audit/sealer.ts';
import { sql } from '../../store/sql.ts';
import { ApiClient, type Answer } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

const LOG = '/api/v1/audit-logs';
const LOGINS = '/api/v1/admin/log/login-logs';
const OPERATIONS = '/api/v1/admin/log/opera-logs';

let server: TestServer;
let admin: ApiClient;
let editor: ApiClient;
let theirs: ApiClient;
let adminId: string;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.signIn({ email: 'admin@example.com' });
  editor = await server.signIn({ email: 'writer@example.com', role: 'editor' });
  theirs = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
  adminId = (await admin.get('/auth/me')).body.id;
});
afterAll(() => server?.close());

const newest = async (client: ApiClient, path: string) => (await client.get(path)).body.items[0];

const createTask = async (
  client: ApiClient,
  name: string,
  headers?: Record<string, string>,
): Promise<string> =>
  (await client.post('/api/tasks', { task_name: name, topic: 'audited' }, headers)).body.id;

describe('an entry of a change', () => {
  test('says who did what to what, from where, by which request, and how it went', async () => {
    const id = await createTask(admin, 'Told', { 'x-request-id': 'the-request', 'user-agent': 'tester/1.0' });
    expect(await newest(admin, `${LOG}?target_id=${id}`)).toEqual({
      id: expect.any(Number),
      at: expect.stringMatching(/Z$/),
      actor_kind: 'user',
      actor_id: adminId,
      actor_name: 'admin@example.com',
      action: 'task.create',
      target_type: 'task',
      target_id: id,
      detail: { task_name: 'Told', topic: 'audited' },
      result: 'success',
      request_id: 'the-request',
      client_address: '127.0.0.1',
      user_agent: 'tester/1.0',
      content_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      sealed: false,
      redacted_at: null,
      redacted_by: null,
    });
    await sealEntries(server.system);
    expect(await newest(admin, `${LOG}?target_id=${id}`)).toMatchObject({ sealed: true });
  });

  test('keeps of what a client says of itself no more than a part', async () => {
    const id = await createTask(admin, 'Long', { 'user-agent': `é${'x'.repeat(2_000)}` });
    const { user_agent: agent } = await newest(admin, `${LOG}?target_id=${id}`);
    expect(agent).toHaveLength(500);
  });
});

describe('signing in', () => {
  const signIn = (body: object): Promise<Answer> =>
    new ApiClient(server.url).post('/api/v1/auth/login', body, {
      'x-request-id': 'sign-in',
      'user-agent': 'browser/2.0',
    });

  test('is logged when it succeeds', async () => {
    await server.signIn({ email: 'writer@example.com', role: 'editor' });
    expect(await newest(admin, LOGINS)).toMatchObject({
      action: 'auth.login',
      result: 'success',
      username: 'writer',
      reason: null,
      client_address: '127.0.0.1',
    });
  });

  test.each([
    ['a wrong password', 'writer@example.com', true],
    ['a name that nobody has', 'nobody-at-all@example.com', false],
  ])('is logged when it fails for %s', async (_what, email, isKnown) => {
    expect((await signIn({ email, password: 'a wrong one' })).status).toBe(401);
    const entry = await newest(admin, `${LOGINS}?result=failure`);
    expect(entry).toMatchObject({
      result: 'failure',
      username: email,
      user_id: isKnown ? expect.any(String) : null,
      reason: 'invalid_credentials',
      client_address: '127.0.0.1',
      user_agent: 'browser/2.0',
      request_id: 'sign-in',
    });
    // Whoever failed has shown nothing that says who they are.
    expect(await newest(admin, `${LOG}?action=auth.login&result=failure`)).toMatchObject({
      id: entry.id,
      actor_kind: 'public',
      actor_id: null,
    });
    expect(JSON.stringify(await admin.get(`${LOG}?limit=5`))).not.toContain('a wrong one');
  });

  test('is logged with its reason for an account that is disabled', async () => {
    await server.signIn({ email: 'leaver@example.com', role: 'viewer' });
    await server.system.run(sql`update users set disabled_at = now() where email = 'leaver@example.com'`);
    const password = 'correct horse battery staple';
    expect((await signIn({ email: 'leaver@example.com', password })).status).toBe(403);
    expect(await newest(admin, LOGINS)).toMatchObject({ result: 'failure', reason: 'account_disabled' });
  });

  test('belongs to the workspace that the person works in', async () => {
    await signIn({ email: 'stranger@example.com', password: 'wrong' });
    expect(await newest(theirs, LOGINS)).toMatchObject({
      username: 'stranger@example.com',
      result: 'failure',
    });
    await signIn({ email: 'no-one@example.com', password: 'wrong', workspace: 'elsewhere' });
    expect(await newest(theirs, LOGINS)).toMatchObject({ username: 'no-one@example.com' });
    expect(JSON.stringify((await admin.get(LOGINS)).body)).not.toMatch(/stranger@|no-one@/);
  });
});

describe('the log', () => {
  test('is for administrators', async () => {
    const viewer = await server.signIn({ email: 'viewer@example.com', role: 'viewer' });
    for (const client of [editor, viewer])
      for (const path of [LOG, LOGINS, OPERATIONS]) expect((await client.get(path)).status).toBe(403);
    expect((await editor.request('DELETE', `${LOGINS}/1`)).status).toBe(403);
  });

  test('is filtered by each of its properties', async () => {
    const from = new Date().toISOString();
    const mine = await createTask(admin, 'By me', { 'x-request-id': 'filter-1' });
    const other = await createTask(editor, 'By another');
    const actions = async (query: string): Promise<string[]> =>
      (await admin.get(`${LOG}?from=${from}&${query}`)).body.items.map(
        (entry: { action: string; target_id: string }) => `${entry.action} ${entry.target_id}`,
      );
    const [a, b] = [`task.create ${mine}`, `task.create ${other}`];
    expect(await actions('')).toEqual([b, a]);
    expect(await actions(`actor=${adminId}`)).toEqual([a]);
    expect(await actions('action=task.create')).toEqual([b, a]);
    expect(await actions('action=task.')).toEqual([b, a]);
    expect(await actions('action=task')).toEqual([]);
    expect(await actions('action=tas.')).toEqual([]);
    expect(await actions('action=run.')).toEqual([]);
    expect(await actions(`target_type=task&target_id=${other}`)).toEqual([b]);
    expect(await actions('target_type=run')).toEqual([]);
    expect(await actions('result=success')).toEqual([b, a]);
    expect(await actions('result=failure')).toEqual([]);
    expect(await actions('request_id=filter-1')).toEqual([a]);
    expect((await admin.get(`${LOG}?to=${from}&action=task.create&target_id=${mine}`)).body.total).toBe(0);
  });

  test.each([
    'actor=me',
    'action=',
    'action=.run',
    'action=run..x',
    'action=RUN',
    'action=%25',
    'result=maybe',
    'target_type=',
    'from=yesterday',
    'from=2026-02-30T10:00:00Z',
    'from=2026-12-31T23:59:60Z',
    'from=2026-02-02T10:00:00Z&to=2026-02-01T10:00:00Z',
    'to=1',
    'request_id=%00',
    'target_id=%00',
    `cursor=${Buffer.from('["2026-02-01 10:00:00+00","x"]').toString('base64url')}`,
    `cursor=${Buffer.from('["2026-02-01 10:00:00+00","99999999999999999999"]').toString('base64url')}`,
  ])('refuses %s', async (query) => {
    expect((await admin.get(`${LOG}?${query}`)).status).toBe(422);
  });

  test.each(['from=0000-01-01T00:00:00Z', 'to=9999-12-31T23:59:59Z', 'from=2026-01-01T00:00:00%2B14:00'])(
    'takes %s',
    async (query) => {
      expect((await admin.get(`${LOG}?${query}`)).status).toBe(200);
    },
  );

  test.each([
    'result=maybe',
    'from=yesterday',
    'from=2026-02-02T10:00:00Z&to=2026-02-01T10:00:00Z',
    'actor=x',
  ])('refuses %s on the doors of the administration with their own status', async (query) => {
    for (const path of [LOGINS, OPERATIONS]) expect((await admin.get(`${path}?${query}`)).status).toBe(400);
  });

  test('is walked by cursor, each entry once, newest first, while others write', async () => {
    for (let n = 0; n < 9; n++) await createTask(admin, `walk ${n}`);
    for (const path of [LOG, LOGINS, OPERATIONS]) {
      const { total } = (await admin.get(path)).body;
      const seen: number[] = [];
      for (let next: string | null = `${path}?limit=4`; next;) {
        const { body }: Answer = await admin.get(next);
        seen.push(...body.items.map(({ id }: { id: number }) => id));
        next = body.links.next;
        await createTask(admin, 'meanwhile');
      }
      expect(seen).toHaveLength(total);
      expect(new Set(seen).size).toBe(total);
      expect(seen).toEqual(seen.toSorted((x, y) => y - x));
    }
  });

  test('has each entry in one of its two views', async () => {
    const all = (await admin.get(`${LOG}?limit=100`)).body.items as { id: number; action: string }[];
    const ids = async (path: string): Promise<Set<number>> =>
      new Set((await admin.get(`${path}?limit=100`)).body.items.map(({ id }: { id: number }) => id));
    const [logins, operations] = [await ids(LOGINS), await ids(OPERATIONS)];
    for (const { id, action } of all.slice(0, 50))
      expect([logins.has(id), operations.has(id)]).toEqual(
        action.startsWith('auth.') ? [true, false] : [false, true],
      );
  });

  test('shows another workspace nothing', async () => {
    await createTask(admin, 'Private');
    for (const path of [LOG, OPERATIONS])
      expect(JSON.stringify((await theirs.get(path)).body)).not.toMatch(/Private|admin@example/);
    expect((await theirs.get(`${LOG}?actor=${adminId}`)).body.items).toEqual([]);
  });
});
