import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { get } from 'node:http';
import pg from 'pg';
import { listOperations, loadSpec } from '../../api/http/spec.ts';
import type { LimitClass } from '../../domain/limits/rate.ts';
import { sql } from '../../store/store.ts';
import { ApiClient, type Answer } from '../harness/client.ts';
import { countOf, many, metric } from '../harness/limits.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

const LIMIT = 20;

const remaining = ({ headers }: Answer): number => Number(headers.get('x-ratelimit-remaining'));

/** Has the work done while nobody can reach the server's database. */
const takeAway = async (server: TestServer, work: () => Promise<void>): Promise<void> => {
  const url = new URL(server.config.database.owner ?? '');
  const name = url.pathname.slice(1);
  const owner = new pg.Client({ connectionString: Object.assign(url, { pathname: 'postgres' }).href });
  await owner.connect();
  try {
    await owner.query(`alter database ${name} with allow_connections false`);
    await owner.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await work();
  } finally {
    await owner.query(`alter database ${name} with allow_connections true`);
    await owner.end();
  }
};

/** Asks for a WebSocket. @returns how the server answers before there is one. */
const upgrade = (url: string): Promise<{ status: number | undefined; retryAfter: string | undefined }> =>
  new Promise((resolve, reject) => {
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    };
    const req = get(`${url}/ws`, { headers });
    req.once('upgrade', ({ statusCode: status }, socket) => {
      socket.destroy();
      resolve({ status, retryAfter: undefined });
    });
    req.once('response', (res) => {
      res.resume();
      resolve({ status: res.statusCode, retryAfter: res.headers['retry-after'] });
    });
    req.once('error', reject);
  });

test.each(listOperations(loadSpec()).map((operation) => [operation.facts.id, operation] as const))(
  'the specification says what %s costs its caller, and what one too many is answered',
  (_id, { operation, facts }) => {
    const { 'x-limit-class': limitClass } = operation as unknown as { 'x-limit-class': LimitClass };
    const usual = facts.isPrivate ? (facts.method === 'GET' ? 'read' : 'write') : 'public';
    expect([usual, 'start', 'sign-in', 'free']).toContain(limitClass);
    const isLimited = limitClass !== 'free';
    const responses = operation.responses ?? {};
    expect(responses['429'] !== undefined).toBe(isLimited);
    for (const response of Object.values(responses))
      expect('$ref' in response || response.headers?.['RateLimit'] !== undefined).toBe(
        isLimited || '$ref' in response,
      );
  },
);

describe('requests', () => {
  let server: TestServer;
  let operator: ApiClient;
  let people = 0;
  /** Somebody who has not asked for anything. */
  const somebody = (): Promise<ApiClient> => server.signIn({ email: `somebody-${people++}@example.com` });

  beforeAll(async () => {
    server = await startTestServer({ rateLimits: [`read=${LIMIT}/1000`, 'write=5/7', 'public=30/1000'] });
    operator = await server.signIn({ email: 'operator@example.com' });
  });
  afterAll(() => server?.close());

  test('say in each answer what is left, of the tightest window and of all', async () => {
    const client = await somebody();
    const answer = await client.get('/auth/me');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-ratelimit-limit')).toBe('20');
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('19');
    const reset = Number(answer.headers.get('x-ratelimit-reset')) - Date.now() / 1_000;
    expect(reset).toBeGreaterThan(50);
    expect(reset).toBeLessThanOrEqual(61);
    expect(answer.headers.get('ratelimit-policy')).toBe('"minute";q=20;w=60, "hour";q=1000;w=3600');
    expect(answer.headers.get('ratelimit')).toMatch(/^"minute";r=19;t=\d+, "hour";r=999;t=\d+$/);
    // What fails counts as well.
    expect(remaining(await client.get('/api/tasks?surprise=1'))).toBe(18);
    expect(remaining(await client.get('/auth/me'))).toBe(17);
  });

  test('beyond the limit get a 429 that says when to come back, and are done by nobody', async () => {
    const client = await somebody();
    expect(countOf(200, await many(LIMIT + 10, () => client.get('/auth/me')))).toBe(LIMIT);
    const refused = await client.get('/auth/me');
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', status: 429 } });
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(refused.headers.get('retry-after')).toBe(String(refused.body.retry_after));
    expect(refused.body.retry_after).toBeGreaterThan(0);
    expect(refused.body.retry_after).toBeLessThanOrEqual(60);
    expect(remaining(refused)).toBe(0);
    expect(await metric(operator, 'taskloom_requests_refused_total{class="read"}')).toBeGreaterThan(10);
  });

  test('of one class and of one person leave those of others alone', async () => {
    const client = await somebody();
    await many(LIMIT + 1, () => client.get('/auth/me'));
    expect((await client.post('/api/tasks', { task_name: 'a', topic: 'a' })).status).toBe(201);
    expect((await (await somebody()).get('/auth/me')).status).toBe(200);
    // Probes are not people.
    expect(countOf(200, await many(60, () => client.get('/health')))).toBe(60);
    expect((await client.get('/health')).headers.get('ratelimit')).toBeNull();
  });

  test('that are refused are not remembered by their Idempotency-Key', async () => {
    const client = await somebody();
    const key = { 'idempotency-key': `late-${people}` };
    await many(5, (n) => client.post('/api/tasks', { task_name: `${n}`, topic: 'a' }));
    const body = { task_name: 'late', topic: 'late' };
    expect((await client.post('/api/tasks', body, key)).status).toBe(429);
    expect(
      await server.system.many(sql`select 1 from idempotency_keys where key = ${key['idempotency-key']}`),
    ).toEqual([]);
  });

  test('without sign-in count for their address, whatever they fail at, and whatever they say of it', async () => {
    const other = await startTestServer({ rateLimits: ['public=5/100'] });
    const anybody = new ApiClient(other.url);
    const ways = ['/api/tasks', '/api/posts', '/api/nothing', '/api/posts?surprise=1', '/api/posts/%E0%A4%A'];
    const statuses: number[] = [];
    for (const [n, path] of [...ways, '/api/posts', '/api/tasks'].entries())
      statuses.push((await anybody.get(path, { 'x-forwarded-for': `203.0.113.${n}` })).status);
    expect(statuses).toEqual([401, 200, 404, 400, 400, 429, 429]);
    expect(await upgrade(other.url)).toMatchObject({
      status: 429,
      retryAfter: expect.stringMatching(/^\d+$/),
    });
    expect(await upgrade(server.url)).toMatchObject({ status: 101 });
    await other.close();
  });

  test('count together in two processes, within about a second', async () => {
    const client = await somebody();
    const { body } = await client.get('/auth/me');
    const other = await server.another();
    const there = new ApiClient(other.url, client.token);
    await many(14, () => client.get('/auth/me'));
    const shared = async (): Promise<number> =>
      (
        await server.system.maybe<{ n: number }>(
          sql`select minute_taken as n from rate_buckets where user_id = ${body.id} and class = 'read'`,
        )
      )?.n ?? 0;
    await until(async () => (await shared()) === 15, 'the first process to tell');
    expect(remaining(await there.get('/auth/me'))).toBe(LIMIT - 1);
    await until(async () => (await shared()) === 16, 'the second process to tell');
    const known = await until(async () => {
      const left = remaining(await there.get('/auth/me'));
      return left < 4 && { left };
    }, 'the second process to know');
    expect(known.left).toBeLessThan(4);
    // Both let through no more than is left, each, and then nobody does.
    const both = [
      ...(await many(20, () => client.get('/auth/me'))),
      ...(await many(20, () => there.get('/auth/me'))),
    ];
    expect(countOf(200, both)).toBeLessThanOrEqual(2 * 5);
    await until(async () => (await there.get('/auth/me')).status === 429, 'the second to refuse');
    expect((await client.get('/auth/me')).status).toBe(429);
    await other.close();
  });

  test('on a socket count when it is opened, not while it is open', async () => {
    const client = await somebody();
    const connect = async (): Promise<string> => {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws?token=${client.token}`);
      return new Promise((resolve) => {
        socket.addEventListener('message', ({ data }) => {
          resolve(JSON.parse(String(data)).type);
          socket.close();
        });
        socket.addEventListener('close', ({ code }) => resolve(String(code)));
      });
    };
    expect(await connect()).toBe('ready');
    expect(remaining(await client.get('/auth/me'))).toBe(LIMIT - 2);
    await many(LIMIT, () => client.get('/auth/me'));
    expect(await connect()).toBe('4429');
  });

  test('keep being limited by what a process knows while the database is away, and are told when it is back', async () => {
    const other = await startTestServer({ rateLimits: ['public=9/100'] });
    const anybody = new ApiClient(other.url);
    expect((await anybody.get('/api/posts')).status).toBe(200);
    await takeAway(other, async () => {
      const statuses = await many(20, () => anybody.get('/api/posts'));
      expect([countOf(200, statuses), countOf(429, statuses)]).toEqual([0, 12]);
    });
    await until(async () => {
      const row = await other.system
        .maybe<{ n: number }>(sql`select minute_taken as n from rate_buckets where class = 'public'`)
        .catch(() => undefined);
      return row?.n === 9;
    }, 'the process to tell what it has counted');
    expect((await anybody.get('/api/posts')).status).toBe(429);
    await other.close();
  });

  describe('for operators', () => {
    test('are listed by person, with what is left, and lifted on every process', async () => {
      const other = await server.another();
      const client = await somebody();
      const there = new ApiClient(other.url, client.token);
      const { body: me } = await client.get('/auth/me');
      await many(LIMIT + 5, () => client.get('/auth/me'));
      await there.get('/auth/me');
      await until(async () => (await there.get('/auth/me')).status === 429, 'the other process to know');
      const row = await until(async () => {
        const { body } = await operator.get('/api/v1/admin/rate-limits?kind=requests');
        return body.items.find((item: { subject: { id: string } }) => item.subject.id === me.id);
      }, 'the limit to be listed');
      expect(row).toMatchObject({
        kind: 'requests',
        class: 'read',
        subject: { type: 'user', name: me.name },
        limited: true,
        windows: [
          { name: 'minute', limit: LIMIT, remaining: 0 },
          { name: 'hour', limit: 1_000 },
        ],
      });
      expect(Date.parse(row.blocked_until)).toBeGreaterThan(Date.now());
      expect((await operator.request('DELETE', `/api/v1/admin/rate-limits/${row.id}`)).status).toBe(204);
      for (const door of [client, there])
        await until(async () => (await door.get('/auth/me')).status === 200, 'the limit to be lifted', 3_000);
      const audited = await server.system.many(
        sql`select actor_kind, detail from audit where action = 'limit.lift' and target_id = ${row.id}`,
      );
      expect(audited).toEqual([{ actor_kind: 'user', detail: { counted: 'read', user_id: me.id } }]);
      await other.close();
    });

    test('are a matter of the workspace that the installation began with', async () => {
      const client = await somebody();
      await many(LIMIT + 1, () => client.get('/auth/me'));
      const row = await until(async () => {
        const { body } = await operator.get('/api/v1/admin/rate-limits');
        return body.items[0];
      }, 'a limit to be listed');
      const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
      expect((await stranger.get('/api/v1/admin/rate-limits')).status).toBe(403);
      expect((await stranger.request('DELETE', `/api/v1/admin/rate-limits/${row.id}`)).status).toBe(403);
      const editor = await server.signIn({ email: 'only-editor@example.com', role: 'editor' });
      expect((await editor.get('/api/v1/admin/rate-limits')).status).toBe(403);
    });
  });
});
