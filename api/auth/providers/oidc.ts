import * as openid from 'openid-client';
import { DomainError } from '../../../domain/errors.ts';
import { cached } from '../../../platform/cached.ts';
import { isLoopback, type OpenIdSettings } from '../../../platform/provider-settings.ts';
import {
  providerMisconfigured,
  providerUnavailable,
  signInRefused,
  TIMEOUT_MS,
  type Provider,
  type ProviderPerson,
} from './port.ts';

/** How long a provider's description of itself is believed. */
const FRESH_MS = 3_600_000;

/** The secret in the way that the provider takes it: in the body, else in the header, which all must take. */
const authentication = (secret: string | null): openid.ClientAuth => {
  if (secret === null) return openid.None();
  const [post, basic] = [openid.ClientSecretPost(secret), openid.ClientSecretBasic(secret)];
  return (server, ...rest) =>
    (server.token_endpoint_auth_methods_supported?.includes('client_secret_post') ? post : basic)(
      server,
      ...rest,
    );
};

/** Reads what the provider says about itself (OpenID Connect Discovery 1.0), over https except on this machine. */
const discover = ({ issuer, clientId, clientSecret }: OpenIdSettings): Promise<openid.Configuration> =>
  openid.discovery(new URL(issuer), clientId, undefined, authentication(clientSecret), {
    execute: [
      openid.enableNonRepudiationChecks,
      ...(isLoopback(issuer) ? [openid.allowInsecureRequests] : []),
    ],
    timeout: TIMEOUT_MS / 1000,
  });

const OPERATORS = new Set(['invalid_client', 'unauthorized_client', 'invalid_scope', 'invalid_redirect_uri']);
/** Faults of the provider or of the way to it, not of what somebody came back with. */
const AWAY = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_PARSE_ERROR',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_INVALID_SERVER_METADATA',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
]);

const failure = (error: unknown, label: string, settings: string): DomainError => {
  if (error instanceof DomainError) return error;
  const { code } = error as { code?: unknown };
  // What somebody came back with has such fields too, and proves nothing.
  if (error instanceof openid.ResponseBodyError && OPERATORS.has(error.error))
    return providerMisconfigured(label, settings);
  // What has no code of OAuth's is a connection that failed.
  if (typeof code !== 'string' || !code.startsWith('OAUTH_') || AWAY.has(code))
    return providerUnavailable(label);
  return signInRefused(label);
};

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

const person = (
  issuer: string,
  subject: string,
  claims: Readonly<Record<string, unknown>>,
): ProviderPerson => ({
  issuer,
  subject,
  email: textOf(claims['email']),
  emailVerified: claims['email_verified'] === true,
  name: textOf(claims['name']) ?? textOf(claims['preferred_username']),
  avatarUrl: textOf(claims['picture']),
});

/**
 * Sign-in by a provider of OpenID Connect, known by its issuer alone.
 * @param names of its settings, for the operator.
 * @param callbackUrl where people come back to.
 */
export const createOpenId = (settings: OpenIdSettings, names: string, callbackUrl: string): Provider => {
  const { label } = settings;
  const configuration = cached(() => discover(settings), FRESH_MS);
  const orFailure = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw failure(error, label, names);
    }
  };
  return {
    label,
    begin: async ({ state, nonce, verifier }) => {
      const config = await configuration().catch(() => {
        throw providerUnavailable(label);
      });
      const parameters = {
        redirect_uri: callbackUrl,
        scope: 'openid email profile',
        state,
        nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      };
      return openid.buildAuthorizationUrl(config, parameters).href;
    },
    finish: async (answer, secrets) => {
      if (secrets === null) throw signInRefused(label);
      const config = await configuration().catch(() => {
        throw providerUnavailable(label);
      });
      return orFailure(async () => {
        const tokens = await openid.authorizationCodeGrant(
          config,
          new URL(`${callbackUrl}?${answer.toString()}`),
          {
            expectedState: secrets.state,
            expectedNonce: secrets.nonce,
            pkceCodeVerifier: secrets.verifier,
            idTokenExpected: true,
          },
        );
        const claims = tokens.claims();
        if (!claims) throw signInRefused(label);
        // Some tell about a person only there.
        const more =
          claims['email'] === undefined && config.serverMetadata().userinfo_endpoint !== undefined
            ? await openid.fetchUserInfo(config, tokens.access_token, claims.sub)
            : {};
        return person(claims.iss, claims.sub, { ...claims, ...more });
      });
    },
  };
};
