import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let admin: ApiClient;
const PASSWORD = 'correct horse battery staple';

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.signIn({ email: 'admin@example.com' });
});
afterAll(() => server?.close());

const SYS = '/api/v1/admin/sys';
const put = (path: string, body: unknown, by: ApiClient = admin) => by.request('PUT', path, body);
const remove = (path: string, by: ApiClient = admin) => by.request('DELETE', path);
const findUser = async (email: string) => {
  const { body } = await admin.get('/auth/users?limit=100');
  return body.items.find((user: { email: string }) => user.email === email);
};
const newest = (action: string) =>
  server.system.maybe<{ detail: Record<string, unknown>; actor_id: string }>(
    sql`select detail, actor_id from audit where action = ${action} order by id desc limit 1`,
  );

describe('users', () => {
  const jane = { username: 'jane', email: 'jane@example.com', password: 'a long walk along the river' };

  test('are made with a number, a role and a department, and seen at every door', async () => {
    const { body: dept } = await admin.post(`${SYS}/depts`, { name: 'Garden' });
    const { status, body } = await admin.post(`${SYS}/users`, {
      ...jane,
      nickname: 'Jane',
      dept_id: dept.id,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.any(Number),
      nickname: 'Jane',
      role: 'viewer',
      status: 1,
      dept_id: dept.id,
    });
    expect((await admin.get(`${SYS}/users/${body.id}`)).body).toEqual(body);
    expect(await findUser(jane.email)).toMatchObject({ id: body.uuid, is_active: true, last_login_at: null });
    const { body: page } = await admin.get('/api/v1/admin/users?role=viewer&is_active=true&limit=1');
    expect(page).toMatchObject({ total: 1, items: [{ email: jane.email, role: 'viewer' }] });
    await new ApiClient(server.url).signIn(jane.email, jane.password);
    expect((await findUser(jane.email)).last_login_at).toEqual(expect.any(String));
    expect((await newest('user.create'))?.detail).toMatchObject({
      after: { email: jane.email, role: 'viewer' },
    });
    expect(JSON.stringify(await server.system.many(sql`select detail from audit`))).not.toContain(
      jane.password,
    );
  });

  test('are changed in what is given alone, with what was before on record', async () => {
    const { id } = await findUser(jane.email);
    const { body } = await put(`/auth/users/${id}`, { name: 'Jane D.' });
    expect(body).toMatchObject({ name: 'Jane D.', email: jane.email, role: 'viewer' });
    expect((await newest('user.update'))?.detail).toMatchObject({
      before: { name: 'Jane' },
      after: { name: 'Jane D.' },
    });
    for (const [wrong, status] of [
      [{}, 422],
      [{ email: 'nonsense' }, 422],
      [{ role: 'nobody-has-this' }, 404],
      [{ role: 'editor', workspace: 'nowhere' }, 404],
      [{ email: 'admin@example.com' }, 409],
    ] as const)
      expect((await put(`/auth/users/${id}`, wrong)).status).toBe(status);
    expect(await findUser(jane.email)).toMatchObject({ name: 'Jane D.', role: 'viewer' });
  });

  test('have one spelling of their name, however it is typed', async () => {
    const typed = { ...jane, username: 'Loud.Jane', email: 'Loud@Example.com' };
    const { status, body } = await admin.post(`${SYS}/users`, typed);
    expect([status, body.username, body.email]).toEqual([201, 'loud.jane', 'loud@example.com']);
    const renamed = await put(`${SYS}/users/${body.id}`, { username: 'LOUDER' });
    expect([renamed.status, renamed.body.username]).toEqual([200, 'louder']);
    const again = await admin.post(`${SYS}/users`, { ...typed, username: 'Louder', email: 'x@example.com' });
    expect(again.body).toMatchObject({ status: 409, code: 'username_taken' });
  });

  test('get a new role that counts at once, for their open tokens too', async () => {
    const client = await server.signIn({ email: 'rises@example.com', role: 'viewer' });
    expect((await client.post('/api/tasks', { task_name: 'a', topic: 'b' })).status).toBe(403);
    const { id } = await findUser('rises@example.com');
    await put(`/auth/users/${id}`, { role: 'editor' });
    expect((await client.post('/api/tasks', { task_name: 'a', topic: 'b' })).status).toBe(201);
  });

  test('whose password an administrator sets are signed out', async () => {
    const client = await server.signIn({ email: 'hacked@example.com', role: 'viewer' });
    const { body: page } = await admin.get(`${SYS}/users?limit=100`);
    const { id } = page.items.find((user: { email: string }) => user.email === 'hacked@example.com');
    expect((await put(`${SYS}/users/${id}`, { password: 'password1234' })).status).toBe(400);
    expect((await put(`${SYS}/users/${id}`, { password: 'a fresh start for everybody' })).status).toBe(200);
    expect((await client.get('/auth/me')).status).toBe(401);
    await new ApiClient(server.url).signIn('hacked@example.com', 'a fresh start for everybody');
  });

  test('that are taken away can not come back, and their names are free', async () => {
    const client = await server.signIn({ email: 'gone@example.com', role: 'editor' });
    const { body: task } = await client.post('/api/tasks', { task_name: 'left behind', topic: 'b' });
    const { id } = await findUser('gone@example.com');
    expect((await remove(`/auth/users/${id}`)).status).toBe(204);
    expect((await remove(`/auth/users/${id}`)).status).toBe(404);
    expect((await client.get('/auth/me')).status).toBe(401);
    await expect(new ApiClient(server.url).signIn('gone@example.com', PASSWORD)).rejects.toThrow();
    expect((await admin.get(`/api/tasks/${task.id}`)).status).toBe(200);
    const again = { ...jane, username: 'gone', email: 'gone@example.com' };
    expect((await admin.post(`${SYS}/users`, again)).status).toBe(201);
  });
});

describe('the last administrator', () => {
  test('can not be removed, demoted, deactivated or robbed of the role’s rights', async () => {
    const { id } = await findUser('admin@example.com');
    const { body: roles } = await admin.get(`${SYS}/roles?limit=100`);
    const role = roles.items.find(({ name }: { name: string }) => name === 'admin');
    for (const answer of [
      await put(`/auth/users/${id}`, { role: 'editor' }),
      await put(`/auth/users/${id}`, { is_active: false }),
      await remove(`/auth/users/${id}`),
      await put(`${SYS}/roles/${role.id}`, { scopes: ['tasks:read'] }),
    ])
      expect(answer.body).toMatchObject({ status: 409, code: 'last_administrator' });
    expect((await admin.get('/auth/me')).status).toBe(200);
  });

  test('remains one when two take each other’s rights at once', async () => {
    const other = await server.signIn({ email: 'second@example.com' });
    const [one, two] = [await findUser('admin@example.com'), await findUser('second@example.com')];
    const answers = await Promise.all([
      put(`/auth/users/${two.id}`, { role: 'viewer' }),
      put(`/auth/users/${one.id}`, { role: 'viewer' }, other),
    ]);
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    // The slower one finds the other demoted already: as the last administrator, or as a caller without the right.
    expect(statuses[0]).toBe(200);
    expect([403, 409]).toContain(statuses[1]);
    const left = await server.system.maybe<{ n: number }>(
      sql`select count(*)::int as n from memberships m join roles r on r.id = m.role_id where r.name = 'admin'`,
    );
    expect(left?.n).toBe(1);
    admin = answers[0]?.status === 200 ? admin : other;
  });
});

describe('roles', () => {
  test('are made of any scopes, count at once, and go when nobody has them', async () => {
    const { status, body: role } = await admin.post(`${SYS}/roles`, {
      name: 'Reader',
      scopes: ['tasks:read'],
    });
    expect(status).toBe(201);
    const reader = await server.signIn({ email: 'reader@example.com', role: 'Reader' });
    expect((await reader.get('/api/tasks')).status).toBe(200);
    expect((await reader.get('/api/posts')).status).toBe(200);
    expect((await reader.get('/api/v1/runs')).status).toBe(403);
    await put(`${SYS}/roles/${role.id}`, { scopes: ['runs:read'] });
    expect([(await reader.get('/api/v1/runs')).status, (await reader.get('/api/tasks')).status]).toEqual([
      200, 403,
    ]);
    expect((await remove(`${SYS}/roles/${role.id}`)).body.code).toBe('role_in_use');
    const { id } = await findUser('reader@example.com');
    await put(`/auth/users/${id}`, { role: 'viewer' });
    expect((await remove(`${SYS}/roles/${role.id}`)).status).toBe(204);
  });

  test('refuse what is no scope, a name that is taken, and to lose those of the server', async () => {
    const make = (body: object) => admin.post(`${SYS}/roles`, body);
    expect((await make({ name: 'Odd', scopes: ['everything'] })).status).toBe(400);
    expect((await make({ name: 'viewer', scopes: [] })).body.code).toBe('role_exists');
    const { body } = await admin.get(`${SYS}/roles?limit=100`);
    const viewer = body.items.find(({ name }: { name: string }) => name === 'viewer');
    expect((await remove(`${SYS}/roles/${viewer.id}`)).body.code).toBe('role_in_use');
  });

  test('are granted menus, whose tree is shown', async () => {
    const menu = async (name: string, parent_id: number | null, type = 'page') =>
      (await admin.post(`${SYS}/menus`, { title: name, name, type, parent_id })).body.id;
    const system = await menu('system', null, 'directory');
    const [users, logs] = [await menu('users', system), await menu('logs', system)];
    const { body: role } = await admin.post(`${SYS}/roles`, { name: 'Clerk', scopes: [] });
    const { body } = await put(`${SYS}/roles/${role.id}/menus`, { menus: [system, users, users] });
    expect(body).toMatchObject({
      menu_ids: [system, users],
      items: [{ id: system, children: [{ id: users, children: [] }] }],
    });
    expect((await admin.get(`${SYS}/roles/${role.id}/menus`)).body).toEqual(body);
    expect((await put(`${SYS}/roles/${role.id}/menus`, { menus: [logs, 999_999] })).status).toBe(404);
    expect((await admin.get(`${SYS}/roles/${role.id}/menus`)).body).toEqual(body);
    expect((await remove(`${SYS}/menus/${users}`)).status).toBe(204);
    expect((await admin.get(`${SYS}/roles/${role.id}/menus`)).body.menu_ids).toEqual([system]);
  });
});

describe('a tree of departments', () => {
  const make = async (name: string, parent_id?: number) =>
    (await admin.post(`${SYS}/depts`, { name, ...(parent_id ? { parent_id } : {}) })).body;

  test('is moved about, but never below itself', async () => {
    const root = await make('Root');
    const branch = await make('Branch', root.id);
    const leaf = await make('Leaf', branch.id);
    const move = (id: number, parent_id: number | null) => put(`${SYS}/depts/${id}`, { parent_id });
    expect((await move(root.id, leaf.id)).body.code).toBe('parent_is_below');
    expect((await move(root.id, root.id)).body.code).toBe('parent_is_below');
    expect((await move(root.id, 999_999)).status).toBe(404);
    expect((await move(leaf.id, root.id)).body).toMatchObject({ parent_id: root.id, name: 'Leaf' });
    const { body } = await admin.get(`${SYS}/depts`);
    const shown = body.items.find(({ id }: { id: number }) => id === root.id);
    expect(shown.children.map(({ name }: { name: string }) => name)).toEqual(['Branch', 'Leaf']);
    expect((await remove(`${SYS}/depts/${root.id}`)).body.code).toBe('department_in_use');
    expect((await make('Branch', root.id)).code).toBe('department_exists');
  });

  test('stays a tree when two move at once', async () => {
    const [one, two] = [await make('One'), await make('Two')];
    const answers = await Promise.all([
      put(`${SYS}/depts/${one.id}`, { parent_id: two.id }),
      put(`${SYS}/depts/${two.id}`, { parent_id: one.id }),
    ]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  });

  test('keeps a department that has people', async () => {
    const dept = await make('Peopled');
    const body = {
      username: 'inside',
      email: 'inside@example.com',
      password: 'a long walk along the river',
      dept_id: dept.id,
    };
    const { body: user } = await admin.post(`${SYS}/users`, body);
    expect((await remove(`${SYS}/depts/${dept.id}`)).body.code).toBe('department_in_use');
    await put(`${SYS}/users/${user.id}`, { dept_id: null });
    expect((await remove(`${SYS}/depts/${dept.id}`)).status).toBe(204);
  });
});

test('an administrator of another workspace administers nothing here', async () => {
  const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
  for (const path of [
    '/auth/users',
    '/api/v1/admin/users',
    `${SYS}/roles`,
    `${SYS}/depts`,
    '/api/v1/admin/stats',
  ])
    expect((await stranger.get(path)).status).toBe(403);
});

test('figures of the server are counted', async () => {
  const { body } = await admin.get('/api/v1/admin/stats');
  const [{ n }] = (await server.system.many<{ n: number }>(
    sql`select count(*)::int as n from users where deleted_at is null`,
  )) as [{ n: number }];
  expect(body).toEqual({
    total_users: n,
    total_sessions: 0,
    active_sessions: 0,
    total_api_calls_today: 0,
    total_cost_today_usd: 0,
  });
});
