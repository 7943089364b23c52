import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, type ClientMetadata } from 'oidc-provider';

export interface OpenIdPerson {
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly picture?: string;
}

export interface OpenIdServer {
  readonly issuer: string;
  /** Those whom it knows, by subject. */
  readonly people: Map<string, OpenIdPerson>;
  /** Somebody signs in there and agrees, as a browser would. @returns the address that they are sent back to. */
  approve(authorizationUrl: string, subject: string): Promise<string>;
  close(): Promise<void>;
}

/** Cookies of one browser, sent to wherever it goes: it goes to one server. */
class Jar {
  readonly #cookies = new Map<string, string>();

  async fetch(url: string, form?: Record<string, string>): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      headers: { cookie, accept: 'text/html' },
      redirect: 'manual',
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value) this.#cookies.set(name, value);
      else this.#cookies.delete(name);
    }
    return response;
  }
}

/** Starts a real OpenID Connect provider on 127.0.0.1, which insists on PKCE. */
export const startOpenIdServer = async (clients: readonly ClientMetadata[]): Promise<OpenIdServer> => {
  const people = new Map<string, OpenIdPerson>();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(issuer, {
    clients: [...clients],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256' }] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    pkce: { required: () => true },
    findAccount: (_ctx, accountId) => {
      const person = people.get(accountId);
      return person && { accountId, claims: () => ({ sub: accountId, ...person }) };
    },
  });
  const handle = provider.callback();
  server.on('request', (request, response) => void handle(request, response));

  const approve = async (authorizationUrl: string, subject: string): Promise<string> => {
    const jar = new Jar();
    let url = authorizationUrl;
    for (let hops = 0; hops < 12; hops += 1) {
      let response = await jar.fetch(url);
      if (response.status === 200) {
        const prompt = /name="prompt" value="(\w+)"/.exec(await response.text())?.[1] ?? '';
        response = await jar.fetch(url, { prompt, login: subject, password: 'any' });
      }
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${url} answered ${response.status} ${await response.text()}`);
      const next = new URL(location, url);
      if (next.origin !== issuer) return next.href;
      url = next.href;
    }
    throw new Error('the provider asks without end');
  };

  return {
    issuer,
    people,
    approve,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
