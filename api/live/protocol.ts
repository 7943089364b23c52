import { Ajv } from 'ajv';

/** What a client may send over the WebSocket. */
export type ClientFrame =
  | { readonly type: 'auth'; readonly token: string }
  | { readonly type: 'subscribe'; readonly streams: Readonly<Record<string, number>> }
  | {
      readonly type: 'subscribe';
      readonly feed: 'workspace';
      readonly after?: number;
      readonly event_type?: string;
    }
  | { readonly type: 'unsubscribe'; readonly streams?: readonly string[]; readonly feed?: 'workspace' }
  | { readonly type: 'ping' };

const position = { type: 'integer', minimum: 0 } as const;
const streamName = '^[a-z]+:[0-9a-f-]{36}$';
const frame = (type: string, properties: object, required: readonly string[]) => ({
  type: 'object',
  properties: { type: { const: type }, ...properties },
  required: ['type', ...required],
  additionalProperties: false,
});

const validate = new Ajv({ allErrors: false }).compile<ClientFrame>({
  oneOf: [
    frame('auth', { token: { type: 'string', minLength: 1, maxLength: 4_000 } }, ['token']),
    frame(
      'subscribe',
      {
        streams: {
          type: 'object',
          minProperties: 1,
          maxProperties: 100,
          propertyNames: { pattern: streamName },
          additionalProperties: position,
        },
      },
      ['streams'],
    ),
    frame(
      'subscribe',
      {
        feed: { const: 'workspace' },
        after: position,
        event_type: { type: 'string', pattern: '^[a-z_]+\\.([a-z_]+|\\*)$' },
      },
      ['feed'],
    ),
    frame(
      'unsubscribe',
      {
        streams: { type: 'array', items: { type: 'string', pattern: streamName }, maxItems: 100 },
        feed: { const: 'workspace' },
      },
      [],
    ),
    frame('ping', {}, []),
  ],
});

/** Reads a frame. @returns `undefined` when it is none of the protocol's. */
export const parseFrame = (text: string): ClientFrame | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return validate(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Close codes (4000 to 4999 are the application's own). */
export const CLOSE = {
  badFrame: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  tooSlow: 4408,
  tooMany: 4429,
  goingAway: 1001,
} as const;
