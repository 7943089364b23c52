import { ApiClient, type Answer } from './client.ts';

/** A browser on the way through somebody else's sign-in: it keeps the cookie of its flow. */
export class Browser {
  readonly #url: string;
  /** `name=value` */
  cookie = '';

  constructor(url: string) {
    this.#url = url;
  }

  /** Begins at a door, as a script would. @returns where to sign in. */
  async begin(path: string): Promise<string> {
    return this.#keep(await new ApiClient(this.#url).get(path, { accept: 'application/json' }));
  }

  /** Begins to link an identity to the account of somebody. @returns where to sign in. */
  async link(client: ApiClient, provider: string): Promise<string> {
    return this.#keep(await client.post(`/api/v1/auth/identities/${provider}/link`));
  }

  /** Comes back to where the provider sent it. @param client a signed-in one, where it matters. */
  back(address: string): Promise<Answer> {
    const { pathname, search } = new URL(address);
    return new ApiClient(this.#url).get(pathname + search, this.cookie ? { cookie: this.cookie } : {});
  }

  #keep({ status, headers, body }: Answer): string {
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    this.cookie = headers.getSetCookie()[0]?.split(';')[0] ?? '';
    return body.authorization_url as string;
  }
}
