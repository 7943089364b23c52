import { describe, expect, test } from '@jest/globals';
import { toConfig } from './config.ts';
import { readEnv } from './env.ts';
import { createOutgoing } from './outgoing.ts';
import { createWebhookSender } from './webhook-sender.ts';

const settings = (letter: string) => ({
  secretKey: Buffer.from(letter.repeat(32)),
  outgoing: { allow: ['named.example.com'] },
});
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'inside.example.com': ['10.0.0.1'],
  'both.example.com': ['93.184.216.34', '127.0.0.1'],
  'outside.example.com': ['93.184.216.34'],
};
const asked: string[] = [];
const outgoing = createOutgoing({
  allow: settings('a').outgoing.allow,
  resolve: async (host) => {
    asked.push(host);
    if (host === 'slow.example.com') return new Promise<never>(() => {});
    return NAMES[host] ?? Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
  },
});
const sender = createWebhookSender(settings('a'), outgoing);

describe('an address is refused', () => {
  test.each([
    'http://10.0.0.1/',
    'http://[::1]:80/',
    'http://169.254.169.254/latest',
    'https://inside.example.com/hook',
    'https://both.example.com/hook',
    'ftp://outside.example.com/',
    'https://user:word@outside.example.com/',
  ])('when it is %s', async (url) => {
    expect(await sender.refusal(url)).toMatch(/not on the public internet|Only http and https/);
  });

  test('but not when it is public, when nobody knows it yet, or when it is an exception', async () => {
    expect(await sender.refusal('https://outside.example.com/hook')).toBeUndefined();
    expect(await sender.refusal('https://webhook.example.com')).toBeUndefined();
    expect(await sender.refusal('https://named.example.com')).toBeUndefined();
    expect(asked).not.toContain('named.example.com');
  });

  test('nor when its name takes too long, which is said in time', async () => {
    const check = outgoing.check('https://slow.example.com', 20);
    await expect(check).rejects.toMatchObject({ code: 'unreachable', reached: false });
  });
});

test('a message to a private address is not sent, and says so', async () => {
  const { sealed } = sender.newSecret('1');
  const call = { endpointId: '1', secrets: [sealed], messageId: '2', body: '{}', timeoutMs: 1_000 };
  expect(await sender.send({ ...call, url: 'https://inside.example.com/' })).toMatchObject({
    status: null,
    error: 'blocked_address',
  });
});

test('a secret that another key has sealed, or for another webhook, signs nothing', async () => {
  const { sealed } = createWebhookSender(settings('b'), outgoing).newSecret('1');
  const foreign = sender.newSecret('another').sealed;
  for (const secret of [sealed, foreign]) {
    const call = { endpointId: '1', secrets: [secret], messageId: '2', body: '{}', timeoutMs: 1_000 };
    expect(await sender.send({ ...call, url: 'https://inside.example.com/' })).toMatchObject({
      status: null,
      error: 'secret_unreadable',
    });
  }
});

test.each([
  ['production', '0.5'],
  ['development', '1'],
  ['test', '0'],
  ['test', '2'],
  ['test', 'fast'],
])('in %s, time does not pass by %s', (environment, webhookTimeScale) => {
  expect(() => toConfig({ ...readEnv(), environment, webhookTimeScale })).toThrow(
    'TASKLOOM_WEBHOOK_TIME_SCALE must be a number',
  );
});
