import { expect } from '@jest/globals';
import type { Env } from '../../platform/env.ts';
import { sql } from '../../store/sql.ts';
import {
  GITHUB_CLIENT,
  startGitHubDouble,
  type GitHubDouble,
  type GitHubPerson,
} from '../doubles/github-double.ts';
import { Browser } from './browser.ts';
import type { Answer } from './client.ts';
import { startOpenIdServer, type OpenIdPerson, type OpenIdServer } from './openid.ts';
import { startTestServer, type TestServer } from './server.ts';

export const PUBLIC_URL = 'https://taskloom.example';

const doors = (base: string) => ({ authorize: `${base}/authorize`, callback: `${base}/callback` });
export const OIDC = doors('/api/v1/auth/oidc');
export const GOOGLE = doors('/api/v1/admin/oauth2/google');
export const GITHUB = doors('/api/v1/admin/oauth2/github');

export const GITHUB_SETTINGS = (github: GitHubDouble): Partial<Env> => ({
  publicUrl: PUBLIC_URL,
  githubClientId: GITHUB_CLIENT.id,
  githubClientSecret: GITHUB_CLIENT.secret,
  githubUrl: github.url,
});

export interface SignInBench {
  readonly server: TestServer;
  readonly openId: OpenIdServer;
  readonly github: GitHubDouble;
  /** Somebody whom the OpenID Connect provider knows, and nobody here. */
  somebody(more?: Partial<OpenIdPerson>): { subject: string; email: string };
  /** Somebody whom GitHub knows, and nobody here. */
  octocat(more?: Partial<GitHubPerson>): GitHubPerson;
  throughOpenId(subject: string, through?: typeof OIDC): Promise<Answer>;
  throughGitHub(person: GitHubPerson): Promise<Answer>;
  /** The newest entry of this action. */
  audited(
    action: string,
    result?: 'success' | 'failure',
  ): Promise<{ target_id: string; detail: Record<string, unknown> } | undefined>;
  close(): Promise<void>;
}

/** A server that lets everybody in whom GitHub, "Google" or an OpenID Connect provider vouch for. */
export const openSignInBench = async (): Promise<SignInBench> => {
  const openId = await startOpenIdServer([
    { client_id: 'taskloom', client_secret: 'oidc-secret', redirect_uris: [PUBLIC_URL + OIDC.callback] },
    {
      client_id: 'for-google',
      client_secret: 'google-secret',
      redirect_uris: [PUBLIC_URL + GOOGLE.callback],
    },
  ]);
  const github = await startGitHubDouble();
  const server = await startTestServer({
    registration: 'open',
    ...GITHUB_SETTINGS(github),
    googleClientId: 'for-google',
    googleClientSecret: 'google-secret',
    googleIssuer: openId.issuer,
    oidcIssuer: openId.issuer,
    oidcClientId: 'taskloom',
    oidcClientSecret: 'oidc-secret',
  });
  let people = 0;
  return {
    server,
    openId,
    github,
    somebody: (more = {}) => {
      const subject = `subject-${(people += 1)}`;
      const email = more.email ?? `${subject}@example.com`;
      openId.people.set(subject, { email_verified: true, name: `Some Body ${people}`, ...more, email });
      return { subject, email };
    },
    octocat: (more = {}) => {
      const id = 583_231 + (people += 1);
      return {
        id,
        login: `octocat-${id}`,
        name: 'monalisa octocat',
        emails: [
          { email: `other-${id}@example.com`, primary: false, verified: true },
          { email: `octocat-${id}@example.com`, primary: true, verified: true },
        ],
        ...more,
      };
    },
    throughOpenId: async (subject, through = OIDC) => {
      const browser = new Browser(server.url);
      return browser.back(await openId.approve(await browser.begin(through.authorize), subject));
    },
    throughGitHub: async (person) => {
      const browser = new Browser(server.url);
      return browser.back(github.approve(await browser.begin(GITHUB.authorize), person));
    },
    audited: async (action, result = 'success') => {
      const rows = await server.system.many<{ target_id: string; detail: Record<string, unknown> }>(
        sql`select target_id, detail from audit where action = ${action} and result = ${result} order by id desc limit 1`,
      );
      return rows[0];
    },
    close: async () => {
      await server.close();
      await github.close();
      await openId.close();
    },
  };
};

/** Expects a problem of this status and code. */
export const expectRefusal = (answer: Answer, status: number, code: string): void =>
  expect([answer.status, answer.body.code]).toEqual([status, code]);
