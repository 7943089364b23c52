import type { Env } from './env.ts';

/** How this server introduces itself to one provider of sign-ins. */
export interface ProviderClient {
  readonly clientId: string;
  /** `null` for a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
}

export interface OpenIdSettings extends ProviderClient {
  readonly issuer: string;
  /** For people. */
  readonly label: string;
}

export interface GitHubSettings extends ProviderClient {
  readonly clientSecret: string;
  /** Where people sign in: github.com, or a GitHub Enterprise Server. */
  readonly url: string;
  readonly apiUrl: string;
  /** The page that GitHub sends people back to; `null` for this server's own callback. */
  readonly redirectUrl: string | null;
  /** Whether a code counts that comes without the state of a flow that was begun here. */
  readonly codeOnly: boolean;
}

const LOOPBACK = /^(?:127\.0\.0\.1|\[::1\]|localhost)$/;

/** Whether an address is this machine itself: the only one that may be called without encryption. */
export const isLoopback = (url: string): boolean => LOOPBACK.test(new URL(url).hostname);

const secureUrl = (name: string, value: string): string => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(value))))
    throw new Error(`${name} must be an https address, but is "${value}"`);
  if (url.username || url.search || url.hash)
    throw new Error(`${name} must be an address alone, without a user, "?" or "#"`);
  return value;
};

const whole = (names: readonly string[], values: readonly (string | undefined)[]): boolean => {
  const missing = names.filter((_, i) => values[i] === undefined);
  if (missing.length > 0 && missing.length < names.length)
    throw new Error(`${missing.join(' and ')} must be set too: ${names.join(', ')} belong together`);
  return missing.length === 0;
};

const github = (env: Env): GitHubSettings | null => {
  const { githubClientId: clientId, githubClientSecret: clientSecret } = env;
  const names = ['TASKLOOM_GITHUB_CLIENT_ID', 'TASKLOOM_GITHUB_CLIENT_SECRET'];
  if (!whole(names, [clientId, clientSecret]) || clientId === undefined || clientSecret === undefined)
    return null;
  const url = secureUrl('TASKLOOM_GITHUB_URL', env.githubUrl ?? 'https://github.com').replace(/\/+$/, '');
  return {
    clientId,
    clientSecret,
    url,
    apiUrl: url === 'https://github.com' ? 'https://api.github.com' : `${url}/api/v3`,
    redirectUrl:
      env.githubRedirectUrl === undefined
        ? null
        : secureUrl('TASKLOOM_GITHUB_REDIRECT_URL', env.githubRedirectUrl),
    codeOnly: env.githubCodeOnly ?? false,
  };
};

const google = (env: Env): OpenIdSettings | null => {
  const { googleClientId: clientId, googleClientSecret: clientSecret } = env;
  const names = ['TASKLOOM_GOOGLE_CLIENT_ID', 'TASKLOOM_GOOGLE_CLIENT_SECRET'];
  if (!whole(names, [clientId, clientSecret]) || clientId === undefined || clientSecret === undefined)
    return null;
  const issuer = secureUrl('TASKLOOM_GOOGLE_ISSUER', env.googleIssuer ?? 'https://accounts.google.com');
  return { clientId, clientSecret, issuer, label: 'Google' };
};

const oidc = (env: Env): OpenIdSettings | null => {
  const { oidcIssuer: issuer, oidcClientId: clientId } = env;
  const names = ['TASKLOOM_OIDC_ISSUER', 'TASKLOOM_OIDC_CLIENT_ID'];
  if (!whole(names, [issuer, clientId]) || issuer === undefined || clientId === undefined) return null;
  return {
    clientId,
    clientSecret: env.oidcClientSecret ?? null,
    issuer: secureUrl('TASKLOOM_OIDC_ISSUER', issuer),
    label: env.oidcName ?? 'OpenID Connect',
  };
};

/** Who else may sign people in here; `null` for each that is not set up. @throws Error that names the variable. */
export const providerSettings = (env: Env) => ({ github: github(env), google: google(env), oidc: oidc(env) });
