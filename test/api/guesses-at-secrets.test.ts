import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { sql } from '../../store/sql.ts';
import { ApiClient, type Answer } from '../harness/client.ts';
import { countOf, many } from '../harness/limits.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

/** How many guesses at each secret; 10,000 take a few minutes. */
const GUESSES = Number(process.env['TASKLOOM_TEST_GUESSES'] ?? 300);
const PASSWORD = 'correct horse battery staple';
/** From the rules: an address is let through so often, and then after 1, 3, 7 … seconds. */
const FREE = { address: 20, credential: 100, account: 5 };

let server: TestServer;
let second: { url: string; close: () => Promise<void> };

beforeAll(async () => {
  server = await startTestServer({ trustedProxies: ['loopback'] });
  second = await server.another();
});
afterAll(async () => {
  await second?.close();
  await server?.close();
});

/** Guesses over two processes, some at a time. @returns how many were looked at; all others were refused. */
const attack = async (
  free: number,
  guess: (client: ApiClient, n: number) => Promise<Answer>,
): Promise<number> => {
  const clients = [new ApiClient(server.url), new ApiClient(second.url)];
  const beganAt = Date.now();
  const answers = await many(GUESSES, (n) => guess(clients[n % 2] as ApiClient, n));
  const seconds = (Date.now() - beganAt) / 1_000;
  const looked = countOf(401, answers) + countOf(403, answers);
  expect(looked + countOf(429, answers)).toBe(GUESSES);
  expect(looked).toBeLessThanOrEqual(free + Math.floor(Math.log2(seconds + 1)));
  expect(looked).toBeGreaterThan(0);
  return looked;
};
const from = (address: string) => ({ 'x-forwarded-for': address });

describe('over two processes, none gets in by guessing', () => {
  const PATIENCE_MS = 600_000;

  test(
    'at a captcha',
    async () => {
      await server.signIn({ email: 'captcha@example.com' });
      await attack(FREE.address, (client, n) =>
        client.post(
          '/api/v1/admin/auth/login',
          {
            username: 'captcha',
            password: PASSWORD,
            captcha_id: randomUUID(),
            captcha_code: String(n).padStart(5, '0'),
          },
          from('198.51.100.1'),
        ),
      );
    },
    PATIENCE_MS,
  );

  test(
    'at an API key',
    async () => {
      await attack(FREE.credential, (client) =>
        client.get('/auth/me', {
          ...from('198.51.100.2'),
          'x-api-key': `tl_live_${randomBytes(32).toString('base64url')}`,
        }),
      );
    },
    PATIENCE_MS,
  );

  test(
    'at a link that resets a password',
    async () => {
      await attack(FREE.address, (client) =>
        client.post(
          '/api/v1/auth/password/reset',
          {
            token: `tlp_${randomBytes(32).toString('base64url')}`,
            new_password: 'a long walk along the river',
          },
          from('198.51.100.3'),
        ),
      );
    },
    PATIENCE_MS,
  );

  test(
    'at a one-time code, by somebody who has the password and many addresses',
    async () => {
      const email = 'second@example.com';
      const client = await server.signIn({ email });
      const { body } = await client.post('/api/v1/auth/second-factor', undefined);
      const totp = new TOTP({ secret: Secret.fromBase32(body.secret) });
      await client.post('/api/v1/auth/second-factor/confirm', { code: totp.generate() });
      const looked = await attack(FREE.account, (guesser, n) =>
        guesser.post(
          '/auth/login',
          { email, password: PASSWORD, code: String(n).padStart(6, '0') },
          from(`203.0.113.${n % 200}`),
        ),
      );
      const row = await server.system.maybe<{ n: number }>(
        sql`select count(*)::int as n from audit where action = 'auth.login' and result = 'failure' and detail->>'reason' = 'second_factor_wrong'`,
      );
      // What was refused unseen leaves no entry.
      expect(row?.n).toBe(looked);
    },
    PATIENCE_MS,
  );

  test(
    'at the password or the code of somebody whose token was stolen',
    async () => {
      const client = await server.signIn({ email: 'robbed@example.com' });
      const { body } = await client.post('/api/v1/auth/second-factor', undefined);
      const code = new TOTP({ secret: Secret.fromBase32(body.secret) }).generate();
      await client.post('/api/v1/auth/second-factor/confirm', { code });
      const withToken = (thief: ApiClient): ApiClient => new ApiClient(thief.url, client.token);
      await attack(FREE.account, (thief, n) =>
        withToken(thief).request(
          'PUT',
          '/api/v1/auth/password',
          { current_password: `wrong-${n}`, new_password: 'a long walk along the river' },
          from('198.51.100.4'),
        ),
      );
      await attack(FREE.account, (thief, n) =>
        withToken(thief).request(
          'DELETE',
          '/api/v1/auth/second-factor',
          { code: String(n).padStart(6, '0') },
          from('198.51.100.5'),
        ),
      );
    },
    PATIENCE_MS,
  );
});
