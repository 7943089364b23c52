import { DomainError } from '../../../domain/errors.ts';
import type { ProviderName } from '../../../domain/identity/provider.ts';
import type { Config } from '../../../platform/config.ts';
import { createGitHub } from './github.ts';
import { createOpenId } from './oidc.ts';
import type { Provider } from './port.ts';

/** Where people come back to from each, below the public address. */
const CALLBACKS: Record<ProviderName, string> = {
  github: '/api/v1/admin/oauth2/github/callback',
  google: '/api/v1/admin/oauth2/google/callback',
  oidc: '/api/v1/auth/oidc/callback',
};

const SETTINGS: Record<ProviderName, string> = {
  github: 'TASKLOOM_GITHUB_CLIENT_ID and TASKLOOM_GITHUB_CLIENT_SECRET',
  google: 'TASKLOOM_GOOGLE_CLIENT_ID and TASKLOOM_GOOGLE_CLIENT_SECRET',
  oidc: 'TASKLOOM_OIDC_ISSUER and TASKLOOM_OIDC_CLIENT_ID',
};

export interface Providers {
  /** @throws DomainError `provider_not_configured` that names the settings. */
  require(name: ProviderName): Provider;
}

/** Those that the settings name. */
export const createProviders = ({ providers, http }: Pick<Config, 'providers' | 'http'>): Providers => {
  const callback = (name: ProviderName): string => http.publicUrl + CALLBACKS[name];
  const { github, google, oidc } = providers;
  const configured: Record<ProviderName, Provider | null> = {
    github: github && createGitHub(github, callback('github')),
    google: google && createOpenId(google, SETTINGS.google, callback('google')),
    oidc: oidc && createOpenId(oidc, SETTINGS.oidc, callback('oidc')),
  };
  return {
    require: (name) => {
      const provider = configured[name];
      if (!provider)
        throw new DomainError(
          'not_found',
          'provider_not_configured',
          `This server is not set up for it: the operator can set ${SETTINGS[name]}.`,
        );
      return provider;
    },
  };
};
