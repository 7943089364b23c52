import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createSealing } from './sealing.ts';

const sealing = createSealing(randomBytes(32));

test('a sealed secret opens for what it belongs to, and shows nothing of itself', () => {
  const sealed = sealing.seal('whsec_something', 'webhook/1');
  expect(sealed).not.toContain('something');
  expect(Buffer.from(sealed, 'base64').toString('latin1')).not.toContain('something');
  expect(sealing.seal('whsec_something', 'webhook/1')).not.toBe(sealed);
  expect(sealing.open(sealed, 'webhook/1')).toBe('whsec_something');
});

test('it opens for nothing else, with no other key, and not after a change', () => {
  const sealed = sealing.seal('secret', 'webhook/1');
  expect(() => sealing.open(sealed, 'webhook/2')).toThrow();
  expect(() => createSealing(randomBytes(32)).open(sealed, 'webhook/1')).toThrow();
  const bytes = Buffer.from(sealed, 'base64');
  for (const at of [0, 12, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => sealing.open(changed.toString('base64'), 'webhook/1')).toThrow();
  }
  expect(() => sealing.open(bytes.subarray(0, 20).toString('base64'), 'webhook/1')).toThrow();
});
