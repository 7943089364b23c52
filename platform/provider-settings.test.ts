import { describe, expect, test } from '@jest/globals';
import { readEnv, type Env } from './env.ts';
import { isLoopback, providerSettings } from './provider-settings.ts';

const settings = (env: Partial<Env>) => providerSettings({ ...readEnv(), ...env });
const GITHUB = { githubClientId: 'id', githubClientSecret: 'secret' };

describe('the settings of providers', () => {
  test('name none unless they are given', () => {
    expect(settings({})).toEqual({ github: null, google: null, oidc: null });
  });

  test('know where the vendors are', () => {
    expect(settings(GITHUB).github).toMatchObject({
      url: 'https://github.com',
      apiUrl: 'https://api.github.com',
      codeOnly: false,
    });
    expect(settings({ ...GITHUB, githubUrl: 'https://git.example.com/' }).github).toMatchObject({
      url: 'https://git.example.com',
      apiUrl: 'https://git.example.com/api/v3',
    });
    const google = settings({ googleClientId: 'id', googleClientSecret: 'secret' }).google;
    expect(google).toMatchObject({ issuer: 'https://accounts.google.com', label: 'Google' });
    // An issuer is compared letter by letter.
    const issuer = 'https://id.example.com/application/o/taskloom/';
    expect(settings({ oidcIssuer: issuer, oidcClientId: 'id' }).oidc).toMatchObject({ issuer });
  });

  test.each([
    [{ githubClientId: 'id' }, 'TASKLOOM_GITHUB_CLIENT_SECRET must be set too'],
    [{ googleClientSecret: 'secret' }, 'TASKLOOM_GOOGLE_CLIENT_ID must be set too'],
    [{ oidcClientId: 'id' }, 'TASKLOOM_OIDC_ISSUER must be set too'],
    [{ oidcIssuer: 'http://id.example.com', oidcClientId: 'id' }, 'TASKLOOM_OIDC_ISSUER must be an https'],
    [{ oidcIssuer: 'id.example.com', oidcClientId: 'id' }, 'TASKLOOM_OIDC_ISSUER must be an https'],
    [{ ...GITHUB, githubUrl: 'https://me:pw@git.example.com' }, 'TASKLOOM_GITHUB_URL must be an address'],
    [{ ...GITHUB, githubRedirectUrl: 'http://app.example.com' }, 'TASKLOOM_GITHUB_REDIRECT_URL must be'],
  ])('that are half or not safe are refused: %j', (env, message) => {
    expect(() => settings(env)).toThrow(message);
  });

  test('take an unencrypted address on this machine alone', () => {
    for (const url of ['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1'])
      expect(isLoopback(url)).toBe(true);
    for (const url of ['http://127.0.0.1.example.com', 'http://10.0.0.1', 'http://localhost.example.com'])
      expect(isLoopback(url)).toBe(false);
  });
});
