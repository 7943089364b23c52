import { createHash } from 'node:crypto';
import type { GitHubSettings } from '../../../platform/provider-settings.ts';
import { VERSION } from '../../../platform/version.ts';
import {
  providerMisconfigured,
  providerUnavailable,
  signInRefused,
  TIMEOUT_MS,
  type Provider,
  type ProviderPerson,
} from './port.ts';

const LABEL = 'GitHub';
const SETTINGS = 'TASKLOOM_GITHUB_CLIENT_ID and TASKLOOM_GITHUB_CLIENT_SECRET';
/** Errors that are the operator's to repair. */
const OPERATORS = new Set([
  'incorrect_client_credentials',
  'redirect_uri_mismatch',
  'invalid_client',
  'unauthorized_client',
  'application_suspended',
]);

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Asks GitHub for JSON. @throws DomainError `provider_unavailable` for whatever else comes back. */
const ask = async (
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: URLSearchParams } = {},
): Promise<{ status: number; body: unknown }> => {
  try {
    const response = await fetch(url, {
      ...init,
      headers: { accept: 'application/json', 'user-agent': `taskloom/${VERSION}`, ...init.headers },
      // It is sent secrets, which must not go on to elsewhere.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body: unknown = await response.json();
    if (response.status >= 500 || response.status === 429) throw new Error('not now');
    return { status: response.status, body };
  } catch {
    throw providerUnavailable(LABEL);
  }
};

const exchange = async (settings: GitHubSettings, form: Record<string, string>): Promise<string> => {
  const { clientId, clientSecret, url } = settings;
  const { body } = await ask(`${url}/login/oauth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form }),
  });
  // GitHub says what is wrong with status 200.
  const { access_token: token, error } = fieldsOf(body);
  if (typeof error === 'string' && OPERATORS.has(error)) throw providerMisconfigured(LABEL, SETTINGS);
  const accessToken = textOf(token);
  if (accessToken === null) throw signInRefused(LABEL);
  return accessToken;
};

const read = async (settings: GitHubSettings, path: string, token: string): Promise<unknown> => {
  const { status, body } = await ask(settings.apiUrl + path, {
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'x-github-api-version': '2022-11-28',
    },
  });
  if (status !== 200) throw signInRefused(LABEL);
  return body;
};

/** The primary address, whether it is verified or not: nobody is known by another one of theirs. */
const primaryEmail = (list: unknown): { email: string | null; emailVerified: boolean } => {
  const primary = (Array.isArray(list) ? list : []).map(fieldsOf).find((entry) => entry['primary'] === true);
  const email = textOf(primary?.['email']);
  return { email, emailVerified: email !== null && primary?.['verified'] === true };
};

/** Sign-in by GitHub, which speaks OAuth 2 but not OpenID Connect. @param callbackUrl where people come back to. */
export const createGitHub = (settings: GitHubSettings, callbackUrl: string): Provider => {
  const redirectUri = settings.redirectUrl ?? callbackUrl;
  return {
    label: LABEL,
    begin: async ({ state, verifier }) => {
      const query = new URLSearchParams({
        client_id: settings.clientId,
        redirect_uri: redirectUri,
        scope: 'read:user user:email',
        state,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      });
      return `${settings.url}/login/oauth/authorize?${query.toString()}`;
    },
    finish: async (answer, secrets): Promise<ProviderPerson> => {
      const code = answer.get('code');
      if (!code) throw signInRefused(LABEL);
      const kept: Record<string, string> =
        secrets === null ? {} : { redirect_uri: redirectUri, code_verifier: secrets.verifier };
      const token = await exchange(settings, { code, ...kept });
      const user = fieldsOf(await read(settings, '/user', token));
      if (typeof user['id'] !== 'number') throw providerUnavailable(LABEL);
      return {
        issuer: settings.url,
        subject: String(user['id']),
        ...primaryEmail(await read(settings, '/user/emails', token)),
        name: textOf(user['name']) ?? textOf(user['login']),
        avatarUrl: textOf(user['avatar_url']),
      };
    },
  };
};
