import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { publicPrincipal, workerPrincipal } from '../../domain/identity/principal.ts';
import { listOperations, loadSpec } from '../../api/http/spec.ts';
import { openStore } from '../../store/store.ts';
import { beginTest } from '../../store/webhooks/deliveries.repository.ts';
import { TaskEntity } from '../../store/tasks/task.entity.ts';
import { sql } from '../../store/sql.ts';
import { ApiClient } from '../harness/client.ts';
import { openImageBench } from '../harness/images.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { sampleBody, samplePath } from '../harness/sample.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let mine: ApiClient;
let theirs: ApiClient;
const ids: Record<string, string> = {};
/** Lists of the caller's own, who is signed in somewhere after all. */
const OF_THE_CALLER = new Set(['listMySignIns']);

const settingOf = async (client: ApiClient): Promise<string> => {
  const setting = { key: 'private', value: 'A private matter', type: 'string' };
  return (await client.post('/api/settings/create', setting)).body.id;
};
const keyOf = async (client: ApiClient): Promise<string> =>
  (await client.post('/api/settings/api-keys', { name: 'A private matter', scopes: ['tasks:read'] })).body.id;

beforeAll(async () => {
  // The samples' host is not looked up.
  server = await startTestServer({ outgoingAllow: ['example.com'] });
  mine = await server.signIn();
  theirs = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
  await server.startWorker();
  const { taskId, runId } = await startPipeline(mine, 'A private matter');
  const { approval_id } = await awaitApproval(mine, taskId);
  const { body } = await mine.get(`/api/v1/approvals/${approval_id}`);
  const bench = await openImageBench(server, runId);
  const [image] = await bench.draw('A private matter');
  await bench.close();
  const { body: signIns } = await mine.get('/api/v1/auth/sign-ins');
  await new ApiClient(server.url).post('/auth/login', { email: 'ghost@example.com', password: 'wrong' });
  const limit = await server.system.maybe<{ id: string }>(
    sql`select id from guess_counters where scope = 'account' and failures > 0`,
  );
  const hook = await mine.post('/api/settings/webhooks', {
    url: 'https://example.com/A-private-matter',
    events: ['*'],
    active: false,
    description: 'A private matter',
  });
  const store = await openStore(server.config.database.app ?? '');
  const { workspaceId } = (await store.beforeWorkspace<{ workspaceId: string }>(
    sql`select workspace_id_of('default') as "workspaceId"`,
  )) ?? { workspaceId: '' };
  const { deliveryId } = await store.write(workerPrincipal(workspaceId), (tx) =>
    beginTest(tx, hook.body.id, '{}'),
  );
  await store.close();
  const token = await mine.post('/api/settings/webhooks/tokens', { name: 'A private matter' });
  const [identity] = await server.system.many<{ id: string }>(
    sql`insert into identities (user_id, provider, issuer, subject)
        select id, 'github', 'https://github.com', '1' from users where email = 'editor@example.com' returning id`,
  );
  Object.assign(ids, {
    identity_id: identity?.id,
    sign_in_id: signIns.items[0].id,
    task_id: taskId,
    run_id: runId,
    approval_id,
    item_id: body.subject_id,
    image_id: image?.id,
    execution_id: runId,
    workflow_id: taskId,
    setting_id: await settingOf(mine),
    key_id: await keyOf(mine),
    limit_id: limit?.id,
    webhook_id: hook.body.id,
    delivery_id: deliveryId,
    token_id: token.body.id,
  });
  numbers['log_id'] = (await mine.get('/api/v1/audit-logs?action=task.create')).body.items[0].id;
});
afterAll(() => server?.close());

const operations = listOperations(loadSpec());
/** Everybody has signed in: these show that, and nothing else. */
const OWN_DEEDS = ['listAuditLogs', 'listLoginLogs', 'listOperaLogs'];
/** Ids that count up, of things of ours. */
const numbers: Record<string, number> = {};

describe('a person of another workspace', () => {
  test.each(
    operations
      .filter(({ path, facts }) => facts.isPrivate && !facts.crossesWorkspaces && /\{/.test(path))
      .map((operation) => [operation.facts.id, operation] as const),
  )('%s does not know our ids', async (_id, operation) => {
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
      String(ids[name] ?? numbers[name] ?? ''),
    );
    const { edits: _edits, ...body } = (sampleBody(operation) ?? {}) as Record<string, unknown>;
    const answer = await theirs.request(
      operation.facts.method,
      path,
      operation.facts.method === 'GET' ? undefined : body,
    );
    expect(answer.status).toBe(404);
    // The same words as for an id that never was.
    expect(JSON.stringify(answer.body)).not.toContain('A private matter');
  });

  test.each(
    operations
      .filter(
        ({ path, facts }) =>
          facts.isPrivate && !facts.crossesWorkspaces && facts.method === 'GET' && !/\{/.test(path),
      )
      .map((operation) => [operation.facts.id, operation.path] as const),
  )('%s shows nothing of ours', async (id, path) => {
    const { status, body } = await theirs.get(path);
    expect(status).toBe(200);
    for (const ours of Object.values(ids)) expect(JSON.stringify(body)).not.toContain(ours);
    if (OWN_DEEDS.includes(id)) return;
    if (body.items && !OF_THE_CALLER.has(id)) expect(body).toMatchObject({ items: [] });
    if (body.total !== undefined) expect(body.total).toBe(0);
    if (body.total_tasks !== undefined) expect(body.total_tasks).toBe(0);
  });

  test.each(
    operations
      .filter(({ facts }) => facts.crossesWorkspaces)
      .map((operation) => [operation.facts.id, operation] as const),
  )('%s, which crosses workspaces, is closed to them', async (_id, operation) => {
    const answer = await theirs.request(operation.facts.method, samplePath(operation), sampleBody(operation));
    expect(answer.status).toBe(403);
  });

  test('can act on our ids in no body either', async () => {
    expect((await theirs.post('/api/orchestrator/process', { task_id: ids['task_id'] })).status).toBe(404);
    expect(
      (await theirs.post('/api/content/approve', { content_id: ids['item_id'], approved: true })).status,
    ).toBe(404);
  });

  test('sees nothing of ours on a socket', async () => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws?token=${theirs.token}`);
    const frames: { type: string }[] = [];
    socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(String(data))));
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    socket.send(JSON.stringify({ type: 'subscribe', streams: { [`run:${ids['run_id']}`]: 0 } }));
    socket.send(JSON.stringify({ type: 'subscribe', feed: 'workspace', after: 0 }));
    await mine.post(`/api/orchestrator/approve/${ids['task_id']}`, { approved: true });
    await awaitEnd(mine, ids['run_id'] ?? '');
    // Their own event comes after all of ours: when it is there, ours would have been.
    const { body } = await theirs.post('/api/tasks', { task_name: 'own', topic: 'own', auto_start: true });
    await new Promise<void>((resolve) => {
      const look = (): void =>
        JSON.stringify(frames).includes(body.run_id) ? resolve() : void setTimeout(look, 20);
      look();
    });
    socket.close();
    expect(frames).toContainEqual(expect.objectContaining({ type: 'error', code: 'not_found' }));
    expect(JSON.stringify(frames.filter(({ type }) => type !== 'error'))).not.toContain(ids['run_id']);
  });
});

describe('the database alone', () => {
  test('refuses with no filter in the statement', async () => {
    const store = await openStore(server.config.database.app ?? '');
    const { id: elsewhere } = (await store.beforeWorkspace<{ id: string }>(
      sql`select workspace_id_of('elsewhere') as id`,
    )) ?? { id: '' };
    const principal = workerPrincipal(elsewhere);
    const topics = (rows: { topic: string }[]): string[] => rows.map(({ topic }) => topic);
    expect(topics(await store.read(principal, (db) => db.many(sql`select topic from tasks`)))).toEqual([
      'own',
    ]);
    // The ORM's own reads, without its filter by workspace.
    expect(topics(await store.write(principal, (tx) => tx.em.find(TaskEntity, {})))).toEqual(['own']);
    const stolen = store.write(principal, (tx) =>
      tx.run(sql`update tasks set topic = 'stolen' where id = ${ids['task_id']}`),
    );
    expect(await stolen).toBe(0);
    await store.close();
  });

  test('refuses to write into another workspace', async () => {
    const store = await openStore(server.config.database.app ?? '');
    const { id: elsewhere } = (await store.beforeWorkspace<{ id: string }>(
      sql`select workspace_id_of('elsewhere') as id`,
    )) ?? { id: '' };
    const { id: ours } = (await store.beforeWorkspace<{ id: string }>(
      sql`select workspace_id_of('default') as id`,
    )) ?? { id: '' };
    const smuggled = store.write(workerPrincipal(elsewhere), (tx) =>
      tx.run(
        sql`insert into tasks (id, workspace_id, task_name, topic) values (uuidv7(), ${ours}, 'x', 'x')`,
      ),
    );
    await expect(smuggled).rejects.toThrow(/row-level security/);
    await store.close();
  });

  test('shows nothing at all before a workspace is known, in any table that has one', async () => {
    const client = new pg.Client({ connectionString: server.config.database.app ?? '' });
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id'
        where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace`,
    );
    expect(rows.length).toBeGreaterThan(15);
    for (const { name } of rows) {
      const seen = await client.query(`select 1 from ${name}`).then(
        ({ rowCount }) => rowCount,
        // Closed altogether.
        ({ code }: { code?: string }) => (code === '42501' ? 0 : code),
      );
      expect(`${name}: ${seen}`).toBe(`${name}: 0`);
    }
    const { rows: open } = await client.query(
      `select relname from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
          and (not relrowsecurity or not relforcerowsecurity) and has_table_privilege(oid, 'select') and relname not in ('event_log', 'migrations')`,
    );
    expect(open).toEqual([]);
    await client.end();
  });
});

describe('the read door', () => {
  test('never mixes people up on its connections, however many come at once', async () => {
    const store = await openStore(server.config.database.app ?? '', { poolSize: 2 });
    const workspaces = await server.system.many<{ id: string }>(sql`select id from workspaces order by slug`);
    const seen = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const id = workspaces[n % workspaces.length]?.id ?? '';
        const principal = n % 5 === 0 ? publicPrincipal(id) : workerPrincipal(id);
        const row = await store.read(principal, (db) =>
          db.one<{ workspace: string | null; site: string | null; foreign: number }>(
            sql`select current_workspace() as workspace, current_site() as site,
                       (select count(*) from tasks where workspace_id <> ${id}) as foreign`,
          ),
        );
        return [row.workspace ?? row.site, row.workspace === null, row.foreign];
      }),
    );
    const expected = seen.map((_, n) => [workspaces[n % workspaces.length]?.id, n % 5 === 0, 0]);
    expect(seen).toEqual(expected);
    await store.close();
  });

  test('can not write', async () => {
    const store = await openStore(server.config.database.app ?? '');
    const [workspace] = await server.system.many<{ id: string }>(sql`select id from workspaces limit 1`);
    const attempt = store.read(workerPrincipal(workspace?.id ?? ''), (db) =>
      db.many(sql`delete from tasks returning 1`),
    );
    await expect(attempt).rejects.toThrow(/read-only/);
    await store.close();
  });
});
