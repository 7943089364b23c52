import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { sql } from '../../store/sql.ts';
import { startMailServer, type MailServer } from '../doubles/mail-server.ts';
import { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let server: TestServer;
let second: { url: string; close: () => Promise<void> };
let admin: ApiClient;
let mailServer: MailServer;
const EMAIL = 'person@example.com';
const PASSWORD = 'correct horse battery staple';

beforeAll(async () => {
  mailServer = await startMailServer();
  server = await startTestServer({ registration: 'open', smtpUrl: mailServer.url });
  second = await server.another();
  admin = await server.signIn({ email: 'admin@example.com' });
  await server.signIn({ email: EMAIL, role: 'editor' });
});
afterAll(async () => {
  await second?.close();
  await server?.close();
  await mailServer?.close();
});

const nobody = (): ApiClient => new ApiClient(server.url);
const login = async (name = EMAIL, password = PASSWORD) =>
  nobody().post('/api/v1/auth/login', { email: name, password });
const signedIn = async (): Promise<{ client: ApiClient; refresh: string }> => {
  const { body } = await login();
  return { client: new ApiClient(server.url, body.access_token), refresh: body.refresh_token };
};
const audited = (action: string, result = 'success') =>
  server.system.many<{ target_id: string; detail: Record<string, unknown> }>(
    sql`select target_id, detail from audit where action = ${action} and result = ${result} order by id desc`,
  );

describe('signing in', () => {
  test('works by email and by user name, in any case', async () => {
    for (const name of [EMAIL, 'PERSON@example.com', 'person', 'Person'])
      expect((await login(name)).status).toBe(200);
  });

  test('gives a token that everybody can check with the published keys', async () => {
    const { body } = await login();
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_token: expect.any(String) });
    const keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(body.access_token, keys, { issuer: 'taskloom' });
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', kid: expect.any(String) });
    expect(payload.exp! - payload.iat!).toBe(900);
    const { body: set } = await nobody().get('/.well-known/jwks.json');
    expect(JSON.stringify(set)).not.toContain('"d"');
  });

  test('answers the same to a wrong name and a wrong password, and both are on record', async () => {
    const [wrongName, wrongPassword] = [await login('nobody@example.com'), await login(EMAIL, 'wrong')];
    expect(wrongName.status).toBe(401);
    const { request_id: _a, timestamp: _b, ...one } = wrongName.body;
    const { request_id: _c, timestamp: _d, ...other } = wrongPassword.body;
    expect(one).toEqual(other);
    const names = (await audited('auth.login', 'failure')).map(({ detail }) => detail['username']);
    expect(names.slice(0, 2)).toEqual([EMAIL, 'nobody@example.com']);
  });

  test('with one door is signed in at all', async () => {
    const { client } = await signedIn();
    for (const path of ['/auth/me', '/api/v1/auth/me', '/api/auth/me'])
      expect((await client.get(path)).body).toMatchObject({ email: EMAIL });
    expect((await client.get('/api/auth/me')).body).toMatchObject({ name: EMAIL, avatar_url: null });
  });

  test('survives a change of the signing key, and uses the new one everywhere', async () => {
    const { client } = await signedIn();
    const { body: rotated } = await admin.post('/api/v1/admin/signing-keys', undefined);
    const { body } = await login();
    expect(JSON.parse(Buffer.from(body.access_token.split('.')[0], 'base64url').toString()).kid).toBe(
      rotated.kid,
    );
    expect((await client.get('/auth/me')).status).toBe(200);
    expect((await new ApiClient(second.url, body.access_token).get('/auth/me')).status).toBe(200);
  });
});

describe('a refresh token', () => {
  const refresh = (token: string, path = '/api/v1/auth/refresh') =>
    nobody().post(path, { refresh_token: token });

  test('is good for one use, at every door', async () => {
    let { refresh: token } = await signedIn();
    for (const path of ['/auth/refresh', '/api/v1/auth/refresh', '/api/v1/admin/auth/token/refresh']) {
      const { status, body } = await refresh(token, path);
      expect(status).toBe(200);
      expect(body.refresh_token).not.toBe(token);
      expect((await new ApiClient(server.url, body.access_token).get('/auth/me')).status).toBe(200);
      token = body.refresh_token;
    }
  });

  test('is answered with the same successor again, however often at once, a moment later', async () => {
    const { refresh: token } = await signedIn();
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(token)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect((await refresh(answers[0]?.body.refresh_token)).status).toBe(200);
  });

  test('that is used again later ends the whole sign-in', async () => {
    const { client, refresh: token } = await signedIn();
    const { body } = await refresh(token);
    await server.system.run(
      sql`update refresh_tokens set spent_at = spent_at - interval '11 seconds' where spent_at is not null`,
    );
    expect((await refresh(token)).status).toBe(401);
    expect((await refresh(body.refresh_token)).status).toBe(401);
    expect((await audited('auth.refresh_reused')).length).toBeGreaterThan(0);
    await until(async () => (await client.get('/auth/me')).status === 401, 'the end of the access token');
  });

  test('is stored as a digest alone', async () => {
    const { refresh: token } = await signedIn();
    const rows = await server.system.many(sql`select encode(digest, 'escape') as text from refresh_tokens`);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('of somebody who is disabled is refused', async () => {
    await server.signIn({ email: 'leaver@example.com', role: 'editor' });
    const { body } = await login('leaver@example.com');
    const { body: users } = await admin.get('/auth/users?limit=100');
    const { id } = users.items.find(({ email }: { email: string }) => email === 'leaver@example.com');
    expect((await admin.request('PUT', `/auth/users/${id}`, { is_active: false })).status).toBe(200);
    expect((await refresh(body.refresh_token)).status).toBe(401);
    expect((await new ApiClient(server.url, body.access_token).get('/auth/me')).status).toBe(401);
    expect((await login('leaver@example.com', 'wrong')).status).toBe(401);
    expect((await login('leaver@example.com')).body).toMatchObject({ status: 403, code: 'account_disabled' });
  });
});

describe('signing out', () => {
  test.each(['/auth/logout', '/api/auth/logout', '/api/v1/admin/auth/logout'])(
    'at %s ends the token on every process, the refresh token and the sockets',
    async (path) => {
      const { client, refresh } = await signedIn();
      const elsewhere = new ApiClient(second.url, client.token);
      expect((await elsewhere.get('/auth/me')).status).toBe(200);
      const socket = new WebSocket(`${second.url.replace('http', 'ws')}/ws?token=${client.token}`);
      const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
      await new Promise((resolve) => socket.addEventListener('open', resolve));
      expect((await client.post(path, undefined)).body).toEqual({ message: 'Logged out successfully' });
      expect((await client.get('/auth/me')).status).toBe(401);
      await until(async () => (await elsewhere.get('/auth/me')).status === 401, 'the other process');
      expect((await nobody().post('/auth/refresh', { refresh_token: refresh })).status).toBe(401);
      await closed;
    },
  );

  test('of one device leaves the others', async () => {
    const [one, other] = [await signedIn(), await signedIn()];
    const { body } = await one.client.get('/api/v1/auth/sign-ins');
    const current = body.items.find(({ is_current }: { is_current: boolean }) => is_current);
    expect(current).toMatchObject({ method: 'password', workspace: 'default', address: '127.0.0.1' });
    expect((await other.client.request('DELETE', `/api/v1/auth/sign-ins/${current.id}`)).status).toBe(204);
    expect((await one.client.get('/auth/me')).status).toBe(401);
    expect((await other.client.get('/auth/me')).status).toBe(200);
  });
});

describe('registration', () => {
  const person = (n: number) => ({
    email: `new${n}@example.com`,
    username: `new${n}`,
    password: 'a long walk along the river',
    full_name: 'New Person',
  });

  test('gives a workspace of its own, never the default one', async () => {
    const { status, body } = await nobody().post('/api/v1/auth/register', person(1));
    expect(status).toBe(201);
    expect(body).toMatchObject({ email: 'new1@example.com', username: 'new1', role: 'editor' });
    const { body: tokens } = await login('new1', person(1).password);
    const client = new ApiClient(server.url, tokens.access_token);
    const { body: me } = await client.get('/auth/me');
    expect(me.workspace.slug).toMatch(/^personal-/);
    expect((await client.get('/auth/users')).status).toBe(403);
  });

  test('refuses a taken name, and what is easy to guess', async () => {
    await nobody().post('/auth/register', person(2));
    const again = await nobody().post('/auth/register', { ...person(2), email: 'other@example.com' });
    expect(again.body).toMatchObject({ status: 409, code: 'username_taken' });
    const twice = await nobody().post('/auth/register', { ...person(2), username: 'other' });
    expect(twice.body).toMatchObject({ status: 409, code: 'email_taken' });
    for (const password of ['short', 'password123456', 'qwertyuiop2024', 'new3new3new3', 'aaaaaaaaaaaaaaa'])
      expect((await nobody().post('/auth/register', { ...person(3), password })).body).toMatchObject({
        status: 422,
        code: 'validation_error',
      });
  });

  test('of two at once makes one account', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => nobody().post('/auth/register', person(4))));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
  });

  test('by an invitation joins where it leads, once', async () => {
    const { body: invitation } = await admin.post('/api/v1/admin/invitations', {
      email: 'guest@example.com',
      workspace: 'default',
      role: 'viewer',
    });
    const guest = { ...person(5), email: 'guest@example.com', invitation: invitation.token };
    const stranger = { ...guest, email: 'stranger@example.com' };
    expect((await nobody().post('/auth/register', stranger)).body.code).toBe('invitation_invalid');
    expect((await nobody().post('/auth/register', guest)).status).toBe(201);
    const { body: tokens } = await login('guest@example.com', guest.password);
    const { body: me } = await new ApiClient(server.url, tokens.access_token).get('/auth/me');
    expect(me).toMatchObject({ role: 'viewer', workspace: { slug: 'default' } });
    const { body: list } = await admin.get('/api/v1/admin/invitations');
    expect(list.items[0]).toMatchObject({ email: 'guest@example.com', is_used: true });
    expect(JSON.stringify(list)).not.toContain(invitation.token);
  });
});

describe('a password', () => {
  test('is changed by who knows it, and the other sign-ins end', async () => {
    await server.signIn({ email: 'changer@example.com', role: 'editor' });
    const clientOf = async (password = PASSWORD) =>
      new ApiClient(server.url, (await login('changer@example.com', password)).body.access_token);
    const [here, there] = [await clientOf(), await clientOf()];
    const change = (current_password: string, new_password: string) =>
      here.request('PUT', '/api/v1/auth/password', { current_password, new_password });
    expect((await change('wrong', 'a new and longer one')).body.code).toBe('wrong_password');
    expect((await change(PASSWORD, 'changer@example.com')).status).toBe(422);
    expect((await change(PASSWORD, 'a new and longer one')).status).toBe(204);
    expect((await here.get('/auth/me')).status).toBe(200);
    expect((await there.get('/auth/me')).status).toBe(401);
    expect((await login('changer@example.com')).status).toBe(401);
    expect((await login('changer@example.com', 'a new and longer one')).status).toBe(200);
  });

  test('is reset by a link that works once, and asking says nothing about who is here', async () => {
    await server.signIn({ email: 'forgetful@example.com', role: 'editor' });
    const forgot = (email: string) => nobody().post('/api/v1/auth/password/forgot', { email });
    const [known, unknown] = [await forgot('forgetful@example.com'), await forgot('no@example.com')];
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body]);
    const mail = await until(async () => mailServer.mails[0], 'the mail');
    expect(mail).toContain('To: forgetful@example.com');
    const token = /tlp_[\w-]+/.exec(mail.replaceAll('=\r\n', ''))?.[0] ?? '';
    const reset = (new_password: string) =>
      nobody().post('/api/v1/auth/password/reset', { token, new_password });
    const { body: open } = await login('forgetful@example.com');
    expect((await reset('forgetful')).status).toBe(422);
    const both = await Promise.all(['one of two at once', 'two of two at once'].map(reset));
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 403]);
    expect((await new ApiClient(server.url, open.access_token).get('/auth/me')).status).toBe(401);
    expect((await reset('and a third time')).body.code).toBe('reset_invalid');
    expect(mailServer.mails).toHaveLength(1);
  });
});
