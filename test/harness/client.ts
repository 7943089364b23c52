/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into bodies of any shape
  readonly body: any;
}

/** A small HTTP client that signs in once and speaks JSON. */
export class ApiClient {
  readonly url: string;
  token: string | undefined;
  /** Sent with every request. */
  headers: Readonly<Record<string, string>> = {};

  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  async signIn(email: string, password: string, workspace?: string): Promise<void> {
    const { status, body } = await this.post('/auth/login', {
      email,
      password,
      ...(workspace ? { workspace } : {}),
    });
    if (status !== 200) throw new Error(`sign-in failed: ${JSON.stringify(body)}`);
    this.token = body.access_token;
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...this.headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      redirect: 'manual',
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text ? JSON.parse(text) : text,
    };
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.request('GET', path, undefined, headers);
  }

  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    return this.request('POST', path, body, headers);
  }
}
