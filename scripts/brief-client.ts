import { setTimeout as sleep } from 'node:timers/promises';

export interface RunEvent {
  readonly seq: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface BriefClient {
  /** A new token, as those of this kind of sign-in live for a quarter of an hour. */
  signIn(): Promise<string>;
  /** One JSON request; signs in again when the token has expired. @throws Error with the problem's own words. */
  request(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** The run's events from the first on, over as many connections as it takes. */
  follow(runId: string): AsyncGenerator<RunEvent>;
}

export interface ClientInput {
  readonly apiUrl: string;
  readonly email: string;
  readonly password: string;
  readonly signal: AbortSignal;
}

const readProblem = async (response: Response): Promise<string> => {
  const text = await response.text();
  try {
    const problem = JSON.parse(text) as { detail?: string; title?: string; error?: string };
    return problem.detail ?? problem.title ?? problem.error ?? text;
  } catch {
    return text.slice(0, 300);
  }
};

/** One frame of a server-sent event stream; comments and frames without data are `null`. */
const parseFrame = (frame: string): { id: string | null; event: RunEvent } | null => {
  const fields = new Map<string, string>();
  for (const line of frame.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value);
  }
  const data = fields.get('data');
  if (data === undefined) return null;
  const body = JSON.parse(data) as Record<string, unknown> & {
    type?: string;
    seq?: number;
    data?: Record<string, unknown>;
  };
  const id = fields.get('id') ?? null;
  return {
    id,
    event: {
      seq: body.seq ?? Number(id ?? 0),
      type: body.type ?? fields.get('event') ?? 'message',
      // A `delta` frame is no stored event and carries its fields itself.
      data: body.data ?? body,
    },
  };
};

async function* readFrames(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const frames = rest.replaceAll('\r\n', '\n').split('\n\n');
    rest = frames.pop() ?? '';
    yield* frames;
  }
}

interface Session {
  signIn(): Promise<string>;
  /** A request with the token; signs in again once when it has expired. */
  send(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Response>;
}

const createSession = ({ apiUrl, email, password, signal }: ClientInput): Session => {
  let token = '';
  const send = async (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
    fetch(`${apiUrl}${path}`, {
      method,
      signal,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  const signIn = async (): Promise<string> => {
    const response = await send('POST', '/api/v1/auth/login', {}, { email, password });
    if (response.status === 401 || response.status === 403) {
      throw new Error(
        `the administrator ${email} could not sign in: set TASKLOOM_ADMIN_EMAIL and TASKLOOM_ADMIN_PASSWORD to those of an administrator`,
      );
    }
    if (!response.ok) throw new Error(`signing in failed: ${await readProblem(response)}`);
    const { access_token: answer } = (await response.json()) as { access_token?: string };
    token = answer ?? '';
    return token;
  };

  return {
    signIn,
    async send(method, path, headers, body) {
      if (token === '') await signIn();
      const first = await send(method, path, { ...headers, authorization: `Bearer ${token}` }, body);
      if (first.status !== 401) return first;
      await first.body?.cancel();
      return send(method, path, { ...headers, authorization: `Bearer ${await signIn()}` }, body);
    },
  };
};

async function* followEvents(session: Session, runId: string, signal: AbortSignal): AsyncGenerator<RunEvent> {
  const path = `/api/v1/runs/${runId}/events`;
  for (let lastId: string | null = null; ; await sleep(1_000, undefined, { signal })) {
    const headers = { accept: 'text/event-stream', ...(lastId === null ? {} : { 'last-event-id': lastId }) };
    try {
      const response = await session.send('GET', path, headers);
      if (response.status >= 400 && response.status < 500) {
        throw new Error(`GET ${path}: ${await readProblem(response)}`, { cause: 'refused' });
      }
      if (!response.ok || response.body === null) continue;
      for await (const frame of readFrames(response.body)) {
        const parsed = parseFrame(frame);
        if (parsed === null) continue;
        lastId = parsed.id ?? lastId;
        yield parsed.event;
      }
    } catch (error) {
      // A broken connection is taken up again where it ended; a refusal would be refused again.
      if (signal.aborted || (error as Error).cause === 'refused') throw error;
    }
  }
}

/** A client of the API, as any other program would be. */
export const createBriefClient = (input: ClientInput): BriefClient => {
  const session = createSession(input);
  return {
    signIn: () => session.signIn(),
    async request(method, path, body) {
      const response = await session.send(method, path, { accept: 'application/json' }, body);
      if (!response.ok) throw new Error(`${method} ${path}: ${await readProblem(response)}`);
      return (await response.json()) as Record<string, unknown>;
    },
    follow: (runId) => followEvents(session, runId, input.signal),
  };
};
