import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/store.ts';
import { ApiClient, type Answer } from '../harness/client.ts';
import { countOf, many, metric } from '../harness/limits.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

/** How many guesses at a password. */
const GUESSES = Number(process.env['TASKLOOM_TEST_GUESSES'] ?? 1_000);

describe('guesses', () => {
  let server: TestServer;
  let operator: ApiClient;

  beforeAll(async () => {
    server = await startTestServer({ trustedProxies: ['loopback'] });
    operator = await server.signIn({ email: 'operator@example.com' });
    await server.signIn({ email: 'owner@example.com' });
  });
  afterAll(() => server?.close());

  const PASSWORD = 'correct horse battery staple';
  const guess = (url: string, email: string, password: string, address: string): Promise<Answer> =>
    new ApiClient(url).post('/auth/login', { email, password }, { 'x-forwarded-for': address });

  test('at a password are let through as the rule says over two processes, and none gets in', async () => {
    const other = await server.another();
    const doors = [server.url, other.url];
    const beganAt = Date.now();
    const statuses = await many(GUESSES, (n) =>
      guess(doors[n % 2] ?? '', 'owner@example.com', `wrong-${n}`, `198.51.100.${n % 200}`),
    );
    const seconds = (Date.now() - beganAt) / 1_000;
    const looked = countOf(401, statuses);
    expect(looked + countOf(429, statuses)).toBe(GUESSES);
    // Five, and then one more after 1, 3, 7 … seconds.
    expect(looked).toBeGreaterThanOrEqual(5);
    expect(looked).toBeLessThanOrEqual(5 + Math.floor(Math.log2(seconds + 1)));
    const [row] = await server.system.many<{ failures: number }>(
      sql`select failures from guess_counters where kind = 'sign-in' and scope = 'account' order by failures desc limit 1`,
    );
    expect(row?.failures).toBe(looked);
    await other.close();
  });

  test('too many make the right password wait as well, with the same answer as for nobody', async () => {
    const unknown = await many(12, (n) => guess(server.url, 'ghost@example.com', 'wrong', `192.0.2.${n}`));
    expect(countOf(401, unknown)).toBeLessThanOrEqual(6);
    // As after some more failures.
    await server.system.run(
      sql`update guess_counters set blocked_until = now() + interval '5 minutes', forgotten_at = now() + interval '20 minutes'
           where kind = 'sign-in' and scope = 'account' and failures >= free`,
    );
    const answers = [
      await guess(server.url, 'owner@example.com', PASSWORD, '192.0.2.50'),
      await guess(server.url, 'ghost@example.com', PASSWORD, '192.0.2.50'),
    ];
    for (const { status, body, headers } of answers) {
      expect([status, body.code, body.detail]).toEqual([429, 'rate_limited', answers[0]?.body.detail]);
      expect(headers.get('retry-after')).toBe(String(body.retry_after));
    }
    expect(
      await metric(operator, 'taskloom_guesses_total{kind="sign-in",outcome="refused"}'),
    ).toBeGreaterThan(0);
    expect(await metric(operator, 'taskloom_guesses_total{kind="sign-in",outcome="failed"}')).toBeGreaterThan(
      0,
    );
  });

  test('are no guesses where many who know the password come at once, from somewhere new', async () => {
    await server.signIn({ email: 'popular@example.com' });
    const answers = await many(12, () => guess(server.url, 'popular@example.com', PASSWORD, '192.0.2.77'));
    expect(countOf(200, answers)).toBe(12);
  });

  test('lock nobody out from where they were let in before', async () => {
    // `signIn` came from here.
    expect((await guess(server.url, 'owner@example.com', PASSWORD, '127.0.0.1')).status).toBe(200);
    expect((await guess(server.url, 'owner@example.com', PASSWORD, '192.0.2.51')).status).toBe(429);
  });

  test('are listed without a name, and can be lifted', async () => {
    const { body } = await operator.get('/api/v1/admin/rate-limits?kind=guesses');
    const accounts = body.items.filter(
      (item: { subject: { type: string } }) => item.subject.type === 'account',
    );
    expect(accounts.length).toBeGreaterThanOrEqual(2);
    expect(JSON.stringify(body)).not.toContain('owner@example.com');
    expect(accounts[0]).toMatchObject({ class: 'sign-in', windows: [], free_failures: 5 });
    for (const { id } of accounts)
      expect((await operator.request('DELETE', `/api/v1/admin/rate-limits/${id}`)).status).toBe(204);
    expect((await guess(server.url, 'owner@example.com', PASSWORD, '192.0.2.52')).status).toBe(200);
    expect((await operator.request('DELETE', `/api/v1/admin/rate-limits/${accounts[0].id}`)).status).toBe(
      404,
    );
  });

  test('at a token are refused after a hundred from an address, and valid ones pass', async () => {
    const from = { 'x-forwarded-for': '203.0.113.200' };
    const forged = (n: number): Promise<Answer> =>
      new ApiClient(server.url, `${'a'.repeat(20)}.${n}.c`).get('/auth/me', from);
    const statuses = await many(200, forged);
    expect([countOf(401, statuses), countOf(429, statuses)]).toEqual([100, 100]);
    expect((await operator.get('/auth/me', from)).status).toBe(200);
    // Nothing was shown: nothing was guessed.
    expect((await new ApiClient(server.url).get('/auth/me', from)).status).toBe(401);
  });
});
