import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { deriveKey } from '../../platform/config.ts';
import { sql } from '../../store/sql.ts';
import { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
const PASSWORD = 'correct horse battery staple';

beforeAll(async () => {
  server = await startTestServer();
  await server.signIn({ email: 'admin@example.com' });
});
afterAll(() => server?.close());

const nobody = (): ApiClient => new ApiClient(server.url);

describe('the captcha', () => {
  const issue = async () => (await nobody().get('/api/v1/admin/auth/captcha')).body;
  const login = (fields: object) =>
    nobody().post('/api/v1/admin/auth/login', { username: 'admin', password: PASSWORD, ...fields });

  /** What a person reads: found by trying all answers against what is stored, with the server's own key. */
  const read = async (id: string): Promise<string> => {
    const row = await server.system.maybe<{ digest: Buffer }>(
      sql`select digest from captchas where id = ${id}`,
    );
    const key = deriveKey(server.config.secretKey, 'captcha');
    for (let n = 0; n < 100_000; n++) {
      const code = String(n).padStart(5, '0');
      if (
        createHmac('sha256', key)
          .update(`${id}/${code}`)
          .digest()
          .equals(row?.digest ?? Buffer.alloc(0))
      )
        return code;
    }
    throw new Error('no answer fits');
  };

  test('is a picture that opens the door once', async () => {
    const { captcha_id, image, expires_in, is_enabled } = await issue();
    expect({ is_enabled, expires_in }).toEqual({ is_enabled: true, expires_in: 120 });
    const png = Buffer.from(image.split(',')[1], 'base64');
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const captcha_code = await read(captcha_id);
    const { status, body } = await login({ captcha_id, captcha_code });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 900,
      user: { id: expect.any(Number), username: 'admin', nickname: 'admin@example.com' },
    });
    expect((await new ApiClient(server.url, body.access_token).get('/auth/me')).status).toBe(200);
    expect((await login({ captcha_id, captcha_code })).body.code).toBe('captcha_wrong');
  });

  test('is used up by a wrong answer, and bound to its id', async () => {
    const [one, other] = [await issue(), await issue()];
    const code = await read(one.captcha_id);
    expect((await login({ captcha_id: other.captcha_id, captcha_code: code })).status).toBe(401);
    const wrong = code === '00000' ? '00001' : '00000';
    expect((await login({ captcha_id: one.captcha_id, captcha_code: wrong })).status).toBe(401);
    expect((await login({ captcha_id: one.captcha_id, captcha_code: code })).status).toBe(401);
  });

  test('is over after two minutes', async () => {
    const { captcha_id } = await issue();
    const captcha_code = await read(captcha_id);
    await server.system.run(sql`update captchas set expires_at = now() - interval '1 second'`);
    expect((await login({ captcha_id, captcha_code })).status).toBe(401);
  });

  test('comes before the password: without it nothing is tried', async () => {
    const failures = () =>
      server.system.maybe<{ n: number }>(
        sql`select count(*)::int as n from audit where action = 'auth.login' and result = 'failure'`,
      );
    const before = await failures();
    expect((await login({ password: 'wrong' })).body.code).toBe('captcha_wrong');
    expect(await failures()).toEqual(before);
  });

  test('is not asked for where it is turned off', async () => {
    const machine = await startTestServer({ captcha: false });
    try {
      await machine.signIn({ email: 'admin@example.com' });
      const client = new ApiClient(machine.url);
      expect((await client.get('/api/v1/admin/auth/captcha')).body.is_enabled).toBe(false);
      const answer = await client.post('/api/v1/admin/auth/login', { username: 'admin', password: PASSWORD });
      expect(answer.status).toBe(200);
    } finally {
      await machine.close();
    }
  });
});

describe('the second factor', () => {
  let email: string;
  let client: ApiClient;
  let n = 0;
  const login = (code?: string) =>
    nobody().post('/api/v1/auth/login', { email, password: PASSWORD, ...(code ? { code } : {}) });
  const totpOf = (secret: string) => new TOTP({ secret: Secret.fromBase32(secret) });
  /** Codes of the next time steps: each is good for one use. */
  const codeAt = (secret: string, step: number): string =>
    totpOf(secret).generate({ timestamp: Date.now() + step * 30_000 });
  const turnOn = async () => {
    email = `second${++n}@example.com`;
    client = await server.signIn({ email, role: 'editor' });
    const { body } = await client.post('/api/v1/auth/second-factor', undefined);
    const { body: confirmed } = await client.post('/api/v1/auth/second-factor/confirm', {
      code: codeAt(body.secret, 0),
    });
    // As if some time had gone by: the present step's code is there for a test to use.
    await server.system.run(sql`update totp_secrets set last_step = 0`);
    return { ...body, codes: confirmed.recovery_codes as string[] } as {
      secret: string;
      url: string;
      codes: string[];
    };
  };

  test('counts only once it is confirmed', async () => {
    email = 'half@example.com';
    client = await server.signIn({ email, role: 'editor' });
    const { status, body } = await client.post('/api/v1/auth/second-factor', undefined);
    expect(status).toBe(201);
    expect(body.url).toContain(`secret=${body.secret}`);
    expect((await login()).status).toBe(200);
    expect((await client.post('/api/v1/auth/second-factor/confirm', { code: '000000' })).status).toBe(401);
    expect((await login()).status).toBe(200);
  });

  test('is asked for after the password alone, and each code is good for one use', async () => {
    const { secret } = await turnOn();
    expect((await login()).body.code).toBe('second_factor_needed');
    const wrongPassword = await nobody().post('/auth/login', { email, password: 'wrong' });
    expect(wrongPassword.body.code).toBe('invalid_credentials');
    const code = codeAt(secret, 0);
    const answers = await Promise.all([login(code), login(code), login(code)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401]);
    expect((await login(codeAt(secret, 1))).status).toBe(200);
    expect((await login(codeAt(secret, 5))).body.code).toBe('second_factor_wrong');
  });

  test('has recovery codes for a lost device, each for one use', async () => {
    const { codes } = await turnOn();
    expect(codes).toHaveLength(10);
    expect((await login(codes[0]?.toUpperCase())).status).toBe(200);
    expect((await login(codes[0])).status).toBe(401);
    const rows = await server.system.many(sql`select encode(digest, 'escape') as t from recovery_codes`);
    expect(JSON.stringify(rows)).not.toContain(codes[1]);
  });

  test('is kept sealed, and turned off by who has it', async () => {
    const { secret, codes } = await turnOn();
    expect(JSON.stringify(await server.system.many(sql`select sealed from totp_secrets`))).not.toContain(
      secret,
    );
    expect((await client.post('/api/v1/auth/second-factor', undefined)).body.code).toBe('second_factor_on');
    const off = (code: string) => client.request('DELETE', '/api/v1/auth/second-factor', { code });
    expect((await off('123456')).status).toBe(401);
    expect((await off(codes[2] ?? '')).status).toBe(204);
    expect((await login()).status).toBe(200);
  });
});
