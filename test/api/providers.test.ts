import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createGitHub } from '../../api/auth/providers/github.ts';
import { createOpenId } from '../../api/auth/providers/oidc.ts';
import { sql } from '../../store/sql.ts';
import { Browser } from '../harness/browser.ts';
import { ApiClient, type Answer } from '../harness/client.ts';
import { GITHUB_CLIENT } from '../doubles/github-double.ts';
import { closeAll, serve } from '../harness/loopback.ts';
import {
  expectRefusal,
  GITHUB,
  GOOGLE,
  OIDC,
  openSignInBench,
  PUBLIC_URL,
  type SignInBench,
} from '../harness/sign-in-bench.ts';

let bench: SignInBench;

beforeAll(async () => void (bench = await openSignInBench()));
afterAll(() => bench?.close());
afterEach(() => bench.github.fail(null));

const signedIn = ({ body }: Answer): ApiClient => new ApiClient(bench.server.url, body.access_token);

describe.each([
  ['an OpenID Connect provider', 'oidc', OIDC],
  ['Google', 'google', GOOGLE],
] as const)('signing in by %s', (_name, provider, doors) => {
  test('makes an account with a workspace of its own, and finds it again', async () => {
    const { subject, email } = bench.somebody({ picture: 'https://example.com/me.png' });
    const first = await bench.throughOpenId(subject, doors);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      token_type: 'bearer',
      expires_in: 900,
      user: { email, name: expect.stringContaining('Some Body'), avatar_url: 'https://example.com/me.png' },
    });
    expect(first.headers.get('cache-control')).toBe('no-store');
    const { body: me } = await signedIn(first).get('/api/v1/auth/me');
    expect(me).toMatchObject({ email, username: subject, role: 'editor' });
    expect(me.workspace.slug).toMatch(/^personal-/);
    expect(await bench.audited('user.register')).toMatchObject({
      target_id: me.id,
      detail: { method: provider },
    });
    expect(await bench.audited('auth.login')).toMatchObject({
      target_id: me.id,
      detail: { method: provider },
    });
    // A new address there does not make somebody else of them here.
    bench.openId.people.set(subject, { email: 'renamed@example.com', email_verified: false });
    const again = await bench.throughOpenId(subject, doors);
    expect(again.body.user).toMatchObject({ user_id: first.body.user.user_id, email });
    const refreshed = await new ApiClient(bench.server.url).post('/auth/refresh', {
      refresh_token: again.body.refresh_token,
    });
    expect(refreshed.status).toBe(200);
  });
});

describe('signing in by GitHub', () => {
  test('goes by the primary address, and sends a browser on', async () => {
    const person = bench.octocat();
    const client = new ApiClient(bench.server.url);
    const away = await client.get(GITHUB.authorize, { accept: 'text/html,*/*;q=0.8' });
    expect(away.status).toBe(302);
    const location = away.headers.get('location') ?? '';
    expect(Object.fromEntries(new URL(location).searchParams)).toMatchObject({
      client_id: GITHUB_CLIENT.id,
      redirect_uri: PUBLIC_URL + GITHUB.callback,
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/),
    });
    const cookie = away.headers.getSetCookie()[0] ?? '';
    expect(cookie).toMatch(/; Path=\/api; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/);
    const browser = new Browser(bench.server.url);
    browser.cookie = cookie.split(';')[0] ?? '';
    const { status, body } = await browser.back(bench.github.approve(location, person));
    expect(status).toBe(200);
    expect(body.user).toMatchObject({
      email: person.emails[1]?.email,
      name: 'monalisa octocat',
      avatar_url: `https://avatars.githubusercontent.com/u/${person.id}?v=4`,
    });
    expect((await bench.throughGitHub(person)).body.user.user_id).toBe(body.user.user_id);
  });

  test('works at the other document’s door, with the state of a flow that was begun here', async () => {
    const browser = new Browser(bench.server.url);
    const back = new URL(bench.github.approve(await browser.begin(GITHUB.authorize), bench.octocat()));
    const [code, state] = [back.searchParams.get('code'), back.searchParams.get('state')];
    const post = (body: object, headers: Record<string, string> = {}) =>
      new ApiClient(bench.server.url).post('/api/auth/github/callback', body, headers);
    expectRefusal(await post({ code }), 403, 'state_needed');
    expectRefusal(await post({ code, state }), 401, 'state_invalid');
    const { status, body } = await post({ code, state }, { cookie: browser.cookie });
    expect(status).toBe(200);
    expect(body).toMatchObject({ access_token: expect.any(String), user: { name: 'monalisa octocat' } });
  });

  test('needs an address that GitHub has verified', async () => {
    const email = 'unverified@example.com';
    const answer = await bench.throughGitHub(
      bench.octocat({ emails: [{ email, primary: true, verified: false }] }),
    );
    expectRefusal(answer, 403, 'email_unverified');
  });

  test('says so when GitHub is away', async () => {
    const browser = new Browser(bench.server.url);
    const back = bench.github.approve(await browser.begin(GITHUB.authorize), bench.octocat());
    bench.github.fail(502);
    expectRefusal(await browser.back(back), 503, 'provider_unavailable');
  });
});

test('a provider that never answers is given up after some seconds', async () => {
  const { at } = await serve(() => {});
  const { github, oidc } = bench.server.config.providers;
  if (!github || !oidc) throw new Error('they are not set up');
  const silent = `http://${at}`;
  const secrets = { state: 's', nonce: 'n', verifier: 'v' };
  const answers = await Promise.allSettled([
    createGitHub({ ...github, url: silent }, PUBLIC_URL).finish(new URLSearchParams({ code: 'x' }), secrets),
    createOpenId({ ...oidc, issuer: silent }, 'A_SETTING', PUBLIC_URL).begin(secrets),
  ]);
  await closeAll();
  for (const answer of answers)
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'provider_unavailable' } });
});

describe('a wrong secret', () => {
  const secrets = { state: 's', nonce: 'n', verifier: 'v'.repeat(43) };
  const misconfigured = { kind: 'unavailable', code: 'provider_misconfigured' };

  test('is the operator’s matter at GitHub', async () => {
    const { github: settings } = bench.server.config.providers;
    if (!settings) throw new Error('GitHub is not set up');
    const provider = createGitHub({ ...settings, clientSecret: 'wrong' }, PUBLIC_URL + GITHUB.callback);
    const answer = new URLSearchParams({ code: bench.github.codeFor(bench.octocat()) });
    await expect(provider.finish(answer, secrets)).rejects.toMatchObject(misconfigured);
  });

  test('is the operator’s matter at an OpenID Connect provider', async () => {
    const { oidc: settings } = bench.server.config.providers;
    if (!settings) throw new Error('the provider is not set up');
    const provider = createOpenId(
      { ...settings, clientSecret: 'wrong' },
      'A_SETTING',
      PUBLIC_URL + OIDC.callback,
    );
    const back = new URL(await bench.openId.approve(await provider.begin(secrets), bench.somebody().subject));
    const refusal = provider.finish(back.searchParams, secrets);
    await expect(refusal).rejects.toMatchObject(misconfigured);
    await expect(refusal).rejects.toThrow('A_SETTING');
  });
});

describe('a flow', () => {
  const begun = async (subject = bench.somebody().subject) => {
    const browser = new Browser(bench.server.url);
    const url = await browser.begin(OIDC.authorize);
    return {
      browser,
      back: await bench.openId.approve(url, subject),
      state: new URL(url).searchParams.get('state'),
    };
  };

  test('can be finished once', async () => {
    const { browser, back } = await begun();
    const answers = await Promise.all([browser.back(back), browser.back(back), browser.back(back)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401]);
    expectRefusal(await browser.back(back), 401, 'state_invalid');
  });

  test('can’t be finished in another browser, and still in its own', async () => {
    const { browser, back, state } = await begun();
    const other = new Browser(bench.server.url);
    expectRefusal(await other.back(back), 401, 'state_invalid');
    await other.begin(OIDC.authorize);
    expectRefusal(await other.back(back), 401, 'state_invalid');
    other.cookie = `${browser.cookie.split('=')[0]}=${'x'.repeat(43)}`;
    expectRefusal(await other.back(back), 401, 'state_invalid');
    expect(await bench.audited('auth.login', 'failure')).toMatchObject({
      detail: { method: 'oidc', reason: 'state_invalid' },
    });
    expect((await browser.back(back)).status).toBe(200);
    const kept = await bench.server.system.many(sql`select * from provider_flows`);
    expect(JSON.stringify(kept)).not.toContain(state);
  });

  test('can’t be finished at another provider’s door', async () => {
    const { browser, back } = await begun();
    expectRefusal(await browser.back(back.replace(OIDC.callback, GOOGLE.callback)), 401, 'state_invalid');
  });

  test('is over after ten minutes', async () => {
    const { browser, back } = await begun();
    await bench.server.system.run(
      sql`update provider_flows set expires_at = expires_at - interval '601 seconds'`,
    );
    expectRefusal(await browser.back(back), 401, 'state_invalid');
    await new Browser(bench.server.url).begin(OIDC.authorize);
    expect(
      await bench.server.system.many(sql`select 1 from provider_flows where expires_at < now()`),
    ).toEqual([]);
  });

  test.each(['nonce', 'verifier'] as const)('with another %s is refused', async (column) => {
    const { browser, back } = await begun();
    const wrong = 'w'.repeat(43);
    await bench.server.system.run(
      column === 'nonce'
        ? sql`update provider_flows set nonce = ${wrong}`
        : sql`update provider_flows set verifier = ${wrong}`,
    );
    expectRefusal(await browser.back(back), 401, 'sign_in_refused');
  });

  test('with a code that was used, or refused by the person, is refused', async () => {
    const first = await begun();
    const second = await begun();
    const code = new URL(first.back).searchParams.get('code') ?? '';
    expect((await first.browser.back(first.back)).status).toBe(200);
    const replay = new URL(second.back);
    replay.searchParams.set('code', code);
    expectRefusal(await second.browser.back(replay.href), 401, 'sign_in_refused');
    const third = await begun();
    const denied = `${PUBLIC_URL}${OIDC.callback}?error=access_denied&state=${third.state}&iss=${bench.openId.issuer}`;
    expectRefusal(await third.browser.back(denied), 401, 'sign_in_refused');
    const fourth = await begun();
    const mixed = new URL(fourth.back);
    mixed.searchParams.set('iss', 'https://somebody-else.example');
    expectRefusal(await fourth.browser.back(mixed.href), 401, 'sign_in_refused');
  });

  test.each([
    ['nothing but its state', {}],
    ['an error that only the operator could repair', { error: 'unauthorized_client' }],
    ['an error that nobody knows', { error: '\u202e<script>' }],
    ['a packed answer', { code: 'x', response: 'x.y.z' }],
    ['a token', { code: 'x', id_token: 'x.y.z' }],
    ['an empty issuer', { code: 'x', iss: '' }],
    ['a code that is no code', { code: '%00&code=' }],
  ])('that comes back with %s is refused', async (_what, more) => {
    for (const doors of [OIDC, GITHUB]) {
      const browser = new Browser(bench.server.url);
      const state = new URL(await browser.begin(doors.authorize)).searchParams.get('state') ?? '';
      const search = new URLSearchParams({ state, ...more }).toString();
      expectRefusal(await browser.back(`${PUBLIC_URL}${doors.callback}?${search}`), 401, 'sign_in_refused');
    }
  });

  test('is refused as invalid without a state', async () => {
    const answer = await new ApiClient(bench.server.url).get(`${GITHUB.callback}?code=abc`);
    expectRefusal(answer, 400, 'validation_error');
    expectRefusal(
      await new ApiClient(bench.server.url).get(`${OIDC.callback}?code=abc`),
      422,
      'validation_error',
    );
  });

  test('leaves no code, state or token behind', async () => {
    const { browser, back, state } = await begun();
    const { body } = await browser.back(back);
    const rows = JSON.stringify(await bench.server.system.many(sql`select detail from audit`));
    for (const secret of [state, new URL(back).searchParams.get('code'), body.access_token, 'oidc-secret'])
      expect(rows).not.toContain(secret);
    expect(
      await bench.server.system.many(
        sql`select 1 from provider_flows where digest = sha256(${state}::bytea)`,
      ),
    ).toEqual([]);
  });
});
