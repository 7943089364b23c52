import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf, newOpaque } from '../../api/auth/opaque.ts';
import { sql } from '../../store/sql.ts';
import { Browser } from '../harness/browser.ts';
import { ApiClient, type Answer } from '../harness/client.ts';
import { until } from '../harness/until.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import {
  expectRefusal,
  GITHUB,
  GITHUB_SETTINGS,
  GOOGLE,
  OIDC,
  openSignInBench,
  type SignInBench,
} from '../harness/sign-in-bench.ts';

let bench: SignInBench;
let closed: TestServer;

beforeAll(async () => {
  bench = await openSignInBench();
  closed = await startTestServer({
    ...GITHUB_SETTINGS(bench.github),
    githubCodeOnly: true,
    // Nobody listens there.
    oidcIssuer: 'http://127.0.0.1:9',
    oidcClientId: 'taskloom',
  });
});
afterAll(async () => {
  await closed?.close();
  await bench?.close();
});

const signedIn = ({ body }: Answer): ApiClient => new ApiClient(bench.server.url, body.access_token);

describe('an account', () => {
  test('of the same address is never taken over, whether the provider has verified it or not', async () => {
    const owner = await bench.server.signIn({ email: 'owner@example.com', role: 'editor' });
    const before = await owner.get('/api/v1/auth/identities');
    const verified = bench.somebody({ email: 'Owner@Example.com', email_verified: true });
    expectRefusal(await bench.throughOpenId(verified.subject), 409, 'account_exists');
    const unverified = bench.somebody({ email: 'owner@example.com', email_verified: false });
    expectRefusal(await bench.throughOpenId(unverified.subject), 403, 'email_unverified');
    const silent = bench.somebody();
    bench.openId.people.set(silent.subject, { email: 'owner@example.com' });
    expectRefusal(await bench.throughOpenId(silent.subject), 403, 'email_unverified');
    const emails = [{ email: 'owner@example.com', primary: true, verified: true }];
    expectRefusal(await bench.throughGitHub(bench.octocat({ emails })), 409, 'account_exists');
    expect((await owner.get('/api/v1/auth/identities')).body).toEqual(before.body);
    expect(before.body).toEqual({ items: [] });
  });

  test('gets a way in that its owner links, and loses it again', async () => {
    const owner = await bench.server.signIn({ email: 'linker@example.com', role: 'editor' });
    const { body: me } = await owner.get('/api/v1/auth/me');
    const person = bench.octocat({ emails: [{ email: 'x@example.com', primary: true, verified: false }] });
    const browser = new Browser(bench.server.url);
    const linked = await browser.back(bench.github.approve(await browser.link(owner, 'github'), person));
    expect(linked.body.user.user_id).toBe(me.id);
    const { body: list } = await owner.get('/api/v1/auth/identities');
    expect(list.items).toMatchObject([{ provider: 'github', email: 'x@example.com' }]);
    expect((await bench.throughGitHub(person)).body.user.user_id).toBe(me.id);
    expect(await bench.audited('identity.link')).toMatchObject({
      target_id: list.items[0].id,
      detail: { method: 'github' },
    });
    // Whose it is, it stays.
    const other = await bench.server.signIn({ email: 'other@example.com', role: 'editor' });
    const taken = new Browser(bench.server.url);
    const refused = await taken.back(bench.github.approve(await taken.link(other, 'github'), person));
    expectRefusal(refused, 409, 'identity_taken');
    expect((await other.request('DELETE', `/api/v1/auth/identities/${list.items[0].id}`)).status).toBe(404);
    expect((await owner.request('DELETE', `/api/v1/auth/identities/${list.items[0].id}`)).status).toBe(204);
    expectRefusal(await bench.throughGitHub(person), 403, 'email_unverified');
  });

  test('is not linked by a flow whose sign-in has ended', async () => {
    const owner = await bench.server.signIn({ email: 'leaving@example.com', role: 'editor' });
    const browser = new Browser(bench.server.url);
    const back = bench.github.approve(await browser.link(owner, 'github'), bench.octocat());
    await owner.post('/auth/logout');
    expectRefusal(await browser.back(back), 401, 'state_invalid');
  });

  test('without a password keeps its last way in', async () => {
    const { subject } = bench.somebody();
    const client = signedIn(await bench.throughOpenId(subject));
    const mine = async () => (await client.get('/api/v1/auth/identities')).body.items;
    const remove = (id: string) => client.request('DELETE', `/api/v1/auth/identities/${id}`);
    const [first] = await mine();
    expectRefusal(await remove(first.id), 409, 'last_way_in');
    const browser = new Browser(bench.server.url);
    await browser.back(bench.github.approve(await browser.link(client, 'github'), bench.octocat()));
    const [, second] = await mine();
    // Both find the account held, so that neither has begun before the other.
    let removals: Promise<Answer[]> | undefined;
    await bench.server.system.transaction(async (db) => {
      await db.run(sql`select 1 from users where username = ${subject} for update`);
      removals = Promise.all([remove(first.id), remove(second.id)]);
      await until(async () => {
        const waiting = await bench.server.system.many(
          sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.length === 2;
      }, 'both to wait for the account');
    });
    const both = (await removals) ?? [];
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 409]);
    expect(await mine()).toHaveLength(1);
  });

  test('that is disabled is refused, and one that is deleted is forgotten', async () => {
    const admin = await bench.server.signIn({ email: 'admin@example.com' });
    const { subject } = bench.somebody();
    const { body } = await bench.throughOpenId(subject);
    const user = `/auth/users/${body.user.user_id}`;
    expect((await admin.request('PUT', user, { is_active: false })).status).toBe(200);
    expectRefusal(await bench.throughOpenId(subject), 403, 'account_disabled');
    expect(await bench.audited('auth.login', 'failure')).toMatchObject({
      target_id: body.user.user_id,
      detail: { method: 'oidc', reason: 'account_disabled' },
    });
    expect((await admin.request('DELETE', user)).status).toBe(204);
    const newcomer = await bench.throughOpenId(subject);
    expect(newcomer.status).toBe(200);
    expect(newcomer.body.user.user_id).not.toBe(body.user.user_id);
  });

  test('is made once by several at once', async () => {
    const { subject } = bench.somebody();
    const answers = await Promise.all([1, 2, 3].map(() => bench.throughOpenId(subject)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.user.user_id)).size).toBe(1);
  });

  test('made in somebody’s name is theirs alone once they prove the address', async () => {
    const email = 'victim@example.com';
    const intruder = await bench.server.signIn({ email, role: 'editor' });
    const pretender = bench.octocat({ emails: [{ email, primary: true, verified: false }] });
    const known = bench.somebody({ email });
    for (const [provider, back] of [
      ['github', async (url: string) => bench.github.approve(url, pretender)],
      ['oidc', (url: string) => bench.openId.approve(url, known.subject)],
    ] as const) {
      const browser = new Browser(bench.server.url);
      expect((await browser.back(await back(await browser.link(intruder, provider)))).status).toBe(200);
    }
    const token = newOpaque('tlp');
    await bench.server.system.run(
      sql`insert into password_resets (digest, user_id, expires_at)
          select ${digestOf(token)}, id, now() + interval '1 hour' from users where email = ${email}`,
    );
    const reset = { token, new_password: 'the owner alone knows this' };
    expect((await new ApiClient(bench.server.url).post('/api/v1/auth/password/reset', reset)).status).toBe(
      204,
    );
    expectRefusal(await bench.throughGitHub(pretender), 403, 'email_unverified');
    expect((await bench.throughOpenId(known.subject)).body.user.email).toBe(email);
    expect(await bench.audited('identity.unlink')).toMatchObject({
      detail: { method: 'github', reason: 'password_reset' },
    });
  });

  test('of another issuer with the same subject is somebody else', async () => {
    const { subject } = bench.somebody();
    const { body } = await bench.throughOpenId(subject);
    await bench.server.system.run(
      sql`update identities set issuer = 'https://former.example' where subject = ${subject}`,
    );
    bench.openId.people.set(subject, { email: `new-${subject}@example.com`, email_verified: true });
    expect((await bench.throughOpenId(subject)).body.user.user_id).not.toBe(body.user.user_id);
  });
});

describe('a server', () => {
  const nobody = (): ApiClient => new ApiClient(closed.url);

  test('without registration makes no account', async () => {
    const browser = new Browser(closed.url);
    const back = bench.github.approve(await browser.begin(GITHUB.authorize), bench.octocat());
    expectRefusal(await browser.back(back), 403, 'registration_off');
  });

  test('that allows it takes a code alone, for somebody who is known', async () => {
    const person = bench.octocat();
    const owner = await closed.signIn({ email: 'known@example.com', role: 'editor' });
    const browser = new Browser(closed.url);
    await browser.back(bench.github.approve(await browser.link(owner, 'github'), person));
    const code = bench.github.codeFor(person);
    const post = () => nobody().post('/api/auth/github/callback', { code });
    const { status, body } = await post();
    expect([status, body.user?.email]).toEqual([200, 'known@example.com']);
    expectRefusal(await post(), 401, 'sign_in_refused');
  });

  test('says which settings are missing', async () => {
    const answer = await nobody().get(GOOGLE.authorize);
    expectRefusal(answer, 404, 'provider_not_configured');
    expect(answer.body.detail).toContain('TASKLOOM_GOOGLE_CLIENT_ID');
    expectRefusal(await nobody().get(`${GOOGLE.callback}?state=a&code=b`), 404, 'provider_not_configured');
  });

  test('says that a provider does not answer', async () => {
    expectRefusal(await nobody().get(OIDC.authorize), 503, 'provider_unavailable');
  });
});
