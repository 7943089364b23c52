/** GitHub's sign-in on loopback, as its web flow and its REST API answer (Enterprise Server: the API is below /api/v3). */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const GITHUB_CLIENT = { id: 'Iv1.8a61f9b3a7aba766', secret: 'a-secret-that-github-knows' };

export interface GitHubPerson {
  readonly id: number;
  readonly login: string;
  readonly name: string | null;
  readonly emails: readonly { email: string; primary: boolean; verified: boolean }[];
}

export interface GitHubDouble {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** What it was asked for codes and people, without queries. */
  readonly asked: readonly string[];
  /** Somebody signs in there. @returns the address that their browser is sent back to. */
  approve(authorizationUrl: string, person: GitHubPerson): string;
  /** A code that nobody began a flow for here. */
  codeFor(person: GitHubPerson): string;
  /** The status of all answers from now on; `null` for its own. */
  fail(status: number | null): void;
  close(): Promise<void>;
}

interface Grant {
  readonly person: GitHubPerson;
  readonly redirectUri: string | null;
  readonly challenge: string | null;
}

const sendJson = (response: ServerResponse, status: number, body: unknown): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(body));

/** GitHub reports it with status 200. */
const oauthError = (response: ServerResponse, error: string, description: string): void =>
  sendJson(response, 200, {
    error,
    error_description: description,
    error_uri:
      'https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors',
  });

const userOf = ({ id, login, name }: GitHubPerson, url: string) => ({
  login,
  id,
  node_id: Buffer.from(`04:User${id}`).toString('base64'),
  avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
  gravatar_id: '',
  url: `${url}/api/v3/users/${login}`,
  html_url: `${url}/${login}`,
  type: 'User',
  site_admin: false,
  name,
  company: null,
  blog: '',
  location: null,
  email: null,
  hireable: null,
  bio: null,
  public_repos: 2,
  created_at: '2008-01-14T04:33:35Z',
  updated_at: '2008-01-14T04:33:35Z',
});

const readForm = async (request: IncomingMessage): Promise<URLSearchParams> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return new URLSearchParams(text);
};

/** Starts the double on 127.0.0.1. */
export const startGitHubDouble = async (): Promise<GitHubDouble> => {
  const grants = new Map<string, Grant>();
  const tokens = new Map<string, GitHubPerson>();
  const asked: string[] = [];
  let failing: number | null = null;
  let url = '';

  const grant = (given: Grant): string => {
    const code = randomBytes(10).toString('hex');
    grants.set(code, given);
    return code;
  };

  const exchange = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = await readForm(request);
    if (form.get('client_id') !== GITHUB_CLIENT.id || form.get('client_secret') !== GITHUB_CLIENT.secret)
      return oauthError(
        response,
        'incorrect_client_credentials',
        'The client_id and/or client_secret passed are incorrect.',
      );
    const code = form.get('code') ?? '';
    const found = grants.get(code);
    grants.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!found || (found.challenge !== null && found.challenge !== challenge))
      return oauthError(response, 'bad_verification_code', 'The code passed is incorrect or expired.');
    if (found.redirectUri !== null && found.redirectUri !== form.get('redirect_uri'))
      return oauthError(
        response,
        'redirect_uri_mismatch',
        'The redirect_uri MUST match the registered callback URL for this application.',
      );
    const token = `gho_${randomBytes(18).toString('hex')}`;
    tokens.set(token, found.person);
    sendJson(response, 200, { access_token: token, token_type: 'bearer', scope: 'read:user,user:email' });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://double');
    asked.push(pathname);
    if (failing !== null) return sendJson(response, failing, { message: 'Server Error' });
    if (request.method === 'POST' && pathname === '/login/oauth/access_token')
      return exchange(request, response);
    const person = tokens.get(/^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
    if (!person || !request.headers['user-agent'])
      return sendJson(response, 401, { message: 'Bad credentials', status: '401' });
    if (pathname === '/api/v3/user') return sendJson(response, 200, userOf(person, url));
    if (pathname === '/api/v3/user/emails')
      return sendJson(
        response,
        200,
        person.emails.map((entry) => ({ ...entry, visibility: entry.primary ? 'private' : null })),
      );
    sendJson(response, 404, { message: 'Not Found', status: '404' });
  };

  const server = createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    asked,
    approve: (authorizationUrl, person) => {
      const { origin, pathname, searchParams: query } = new URL(authorizationUrl);
      if (origin + pathname !== `${url}/login/oauth/authorize` || query.get('client_id') !== GITHUB_CLIENT.id)
        throw new Error(`GitHub would not know ${authorizationUrl}`);
      const redirectUri = query.get('redirect_uri') ?? '';
      const challenge = query.get('code_challenge_method') === 'S256' ? query.get('code_challenge') : null;
      const back = new URL(redirectUri);
      back.searchParams.set('code', grant({ person, redirectUri, challenge }));
      back.searchParams.set('state', query.get('state') ?? '');
      return back.href;
    },
    codeFor: (person) => grant({ person, redirectUri: null, challenge: null }),
    fail: (status) => void (failing = status),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
