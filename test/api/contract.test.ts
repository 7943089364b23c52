import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SpecOperation } from '../../api/http/spec.ts';
import { listOperations, loadSpec } from '../../api/http/spec.ts';
import { addPerson } from '../../store/setup/people.ts';
import { sql } from '../../store/sql.ts';
import { ApiClient, type Answer } from '../harness/client.ts';
import {
  resolve,
  sampleBody,
  UNKNOWN_ID,
  samplePath,
  withEachText,
  withEachTypeWrong,
} from '../harness/sample.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let admin: ApiClient;
let nobody: ApiClient;
let anonymous: ApiClient;

const operations = listOperations(loadSpec());
const secured = operations.filter(
  ({ facts, operation }) =>
    facts.isPrivate && !(operation.security ?? []).some((s) => Object.keys(s).length === 0),
);
const withBody = operations.filter((operation) => sampleBody(operation) !== undefined);
const named = (list: readonly SpecOperation[]): [string, SpecOperation][] =>
  list.map((operation) => [operation.facts.id, operation]);

beforeAll(async () => {
  // The samples' host is not looked up.
  server = await startTestServer({ outgoingAllow: ['example.com'] });
  admin = await server.signIn();
  const { body } = await admin.post('/api/settings/webhooks/tokens', { name: 'Sweep' });
  // There is no worker: nobody is to wait for one.
  admin.headers = { prefer: 'wait=0', 'x-webhook-token': body.token };
  await server.system.run(sql`insert into roles (name, scopes) values ('nobody', '{}')`);
  nobody = await server.signIn({ email: 'nobody@example.com', role: 'nobody' });
  anonymous = new ApiClient(server.url);
});
afterAll(() => server?.close());

/** Everything that a request could have changed. */
const fingerprint = async (): Promise<string> => {
  const rows = await server.system.many<{ counts: object }>(
    sql`select json_build_object('tasks', (select count(*) from tasks), 'content', (select count(*) from content_items),
          'revisions', (select count(*) from content_revisions), 'runs', (select count(*) from runs), 'events', (select count(*) from events),
          'outbox', (select count(*) from outbox), 'audit', (select count(*) from audit), 'keys', (select count(*) from idempotency_keys),
          'decisions', (select count(*) from approval_decisions), 'posts', (select count(*) from posts), 'settings', (select count(*) from settings), 'keys made', (select count(*) from api_keys)) as counts`,
  );
  return JSON.stringify(rows);
};

const expectProblem = (answer: Answer, statuses: readonly number[], what: unknown): void => {
  if (!statuses.includes(answer.status))
    throw new Error(
      `${JSON.stringify(what).slice(0, 500)} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`,
    );
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    status: answer.status,
    type: expect.any(String),
    detail: expect.any(String),
    request_id: expect.any(String),
  });
  expect(new Set([answer.body.type, answer.body.error, answer.body.error_code, answer.body.code]).size).toBe(
    1,
  );
};

describe('every operation', () => {
  test.each(named(secured))('%s refuses a caller without credentials', async (_id, operation) => {
    expectProblem(
      await anonymous.request(operation.facts.method, samplePath(operation), sampleBody(operation)),
      [401],
      operation.path,
    );
  });

  test.each(named(secured.filter(({ scopes }) => scopes.length > 0)))(
    '%s refuses a role without its scopes',
    async (_id, operation) => {
      expectProblem(
        await nobody.request(operation.facts.method, samplePath(operation), sampleBody(operation)),
        [403],
        operation.path,
      );
    },
  );

  test.each(named(operations.filter(({ path }) => /\{/.test(path))))(
    '%s does not know an id that nobody has',
    async (_id, operation) => {
      expectProblem(
        await admin.request(operation.facts.method, samplePath(operation), sampleBody(operation)),
        [404],
        operation.path,
      );
    },
  );

  test.each(named(operations.filter(({ path, facts }) => /_id\}/.test(path) && facts.method === 'GET')))(
    '%s does not know what can not be an id',
    async (_id, operation) => {
      expectProblem(await admin.get(operation.path.replace(/\{[^}]+\}/, 'not-an-id')), [404], operation.path);
    },
  );

  test.each(named(operations.filter(({ facts }) => facts.method === 'GET')))(
    '%s refuses a query that it does not know',
    async (_id, operation) => {
      const declared = operation.operation.responses?.['400'] ? 400 : 422;
      expectProblem(await admin.get(`${samplePath(operation)}?surprise=1`), [declared, 426], operation.path);
    },
  );

  test.each(named(withBody))(
    '%s refuses a body that is wrong in any way, and changes nothing',
    async (_id, operation) => {
      const before = await fingerprint();
      const declared = operation.operation.responses?.['400'] ? 400 : 422;
      const body = sampleBody(operation) ?? {};
      const send = (value: unknown, headers?: Record<string, string>) =>
        admin.request(operation.facts.method, samplePath(operation), value, headers);
      for (const wrong of [...withEachTypeWrong(operation, body), { ...body, surprise: 1 }, [], 'text', null])
        expectProblem(await send(JSON.stringify(wrong)), [declared, 400], { path: operation.path, wrong });
      expectProblem(await send('{"half":'), [400], 'malformed JSON');
      expectProblem(await send('['.repeat(100_000)), [400], 'deep malformed JSON');
      expectProblem(
        await send(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`),
        [400, declared],
        'deep JSON',
      );
      expectProblem(await send(JSON.stringify({ ...body, surprise: 'x'.repeat(2_000_000) })), [413], '2 MB');
      expectProblem(
        await send(JSON.stringify(body), { 'content-type': 'text/plain' }),
        [415, declared, 400],
        'another content type',
      );
      for (const other of ['nul \0 nul', 'half \ud800 pair'])
        for (const wrong of withEachText(body, other))
          expectProblem(await send(wrong), [declared, 400], { path: operation.path, wrong });
      expect(await fingerprint()).toBe(before);
    },
  );

  test.each(named(withBody.filter(({ facts }) => facts.isPrivate)))(
    '%s takes any text literally, and never fails on it',
    async (_id, operation) => {
      const body = sampleBody(operation) ?? {};
      for (const other of [
        `'; drop table tasks; --`,
        '<script>alert(1)</script>',
        '𝕏 ﷽ ‮ e\u0301 👩‍👩‍👧 \u2028',
        '{{constructor}}',
        '%00',
        '',
      ])
        for (const odd of withEachText(body, other)) {
          const { status } = await admin.request(operation.facts.method, samplePath(operation), odd);
          expect(status).toBeLessThan(500);
        }
      expect((await admin.get('/api/tasks')).status).toBe(200);
    },
  );

  test.each(named(withBody))('%s requires what its schema says is required', async (_id, operation) => {
    const body = sampleBody(operation) ?? {};
    const media = (operation.operation.requestBody as { content: Record<string, { schema: object }> })
      .content['application/json'];
    const required = (resolve(media?.schema ?? {})['required'] ?? []) as string[];
    const declared = operation.operation.responses?.['400'] ? 400 : 422;
    for (const name of required) {
      const { [name]: _left, ...rest } = body;
      const answer = await admin.request(operation.facts.method, samplePath(operation), rest);
      expectProblem(answer, [declared], { path: operation.path, without: name });
      expect(JSON.stringify(answer.body.fields)).toContain(name);
    }
  });
});

describe('addresses', () => {
  test('with a trailing slash are the same, without a redirect', async () => {
    expect((await admin.get('/api/tasks/')).status).toBe(200);
    expect((await anonymous.get('/health/')).status).toBe(200);
  });

  test('that no operation has get a 404, and a wrong method a 405 with Allow', async () => {
    expectProblem(await admin.get('/api/nothing'), [404], 'unknown');
    const answer = await admin.request('DELETE', '/api/tasks');
    expectProblem(answer, [405], 'wrong method');
    expect(answer.headers.get('allow')).toContain('GET');
    expectProblem(await admin.get('/api/content/approve'), [405], 'a literal that falls through');
    expectProblem(await admin.get('/api/tasks/metrics'), [404], 'a literal that falls through');
  });

  test('with broken encoding get a 400', async () => {
    expectProblem(await admin.get('/api/posts/%E0%A4%A'), [400], 'broken encoding');
  });
});

describe('lists', () => {
  // Those of one thing need its id: their own tests walk them.
  const lists = operations.filter(
    ({ operation, path }) =>
      JSON.stringify(operation.parameters ?? []).includes('/Cursor') && !path.includes('{'),
  );
  test.each(named(lists))('%s pages in one body and refuses bad paging', async (_id, operation) => {
    const { status, body } = await admin.get(`${operation.path}?limit=2`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      items: expect.any(Array),
      offset: 0,
      skip: 0,
      limit: 2,
      links: { prev: null },
    });
    const declared = operation.operation.responses?.['400'] ? 400 : 422;
    for (const query of [
      'limit=101',
      'limit=0',
      'limit=x',
      'offset=-1',
      'offset=10001',
      'cursor=x',
      'skip=1&offset=2',
      'cursor=',
    ])
      expectProblem(await admin.get(`${operation.path}?${query}`), [declared], query);
  });

  test.each([
    ['no-time', UNKNOWN_ID],
    ['2026-02-30 10:00:00+00', UNKNOWN_ID],
    ['2026-02-03 10:00:00+00', 'no-id'],
    ['0000-02-03 10:00:00+00', UNKNOWN_ID],
    ['2026-02-03 10:00:00+99', UNKNOWN_ID],
  ])('refuse a cursor that somebody made up of %j and %j', async (...values) => {
    const cursor = Buffer.from(JSON.stringify(values)).toString('base64url');
    expectProblem(await admin.get(`/api/tasks?cursor=${cursor}`), [400], values);
  });

  test('can be walked by cursor, each item once, newest first', async () => {
    for (let i = 0; i < 7; i++) await admin.post('/api/tasks', { task_name: `walk ${i}`, topic: 'walk' });
    for (const sort of ['created_at', 'updated_at', 'status']) {
      const seen: string[] = [];
      let next: string | null = `/api/tasks?limit=3&sort_by=${sort}`;
      while (next) {
        const { body }: Answer = await admin.get(next);
        seen.push(...body.tasks.map((task: { id: string }) => task.id));
        next = body.links.next;
      }
      const { body } = await admin.get('/api/tasks');
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.length).toBe(body.total);
    }
  });
});

describe('roles', () => {
  test('a viewer reads and changes nothing', async () => {
    await addPerson(server.system, {
      email: 'viewer@example.com',
      displayName: 'V',
      passwordHash: 'x',
      workspace: 'default',
      role: 'viewer',
    });
    const viewer = await server.signIn({ email: 'watcher@example.com', role: 'viewer' });
    expect((await viewer.get('/api/tasks')).status).toBe(200);
    expect((await viewer.post('/api/tasks', { task_name: 'a', topic: 'b' })).status).toBe(403);
  });
});
