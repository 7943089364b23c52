import { describe, expect, test } from '@jest/globals';
import { open, seal } from './sealed.ts';

const key = Buffer.from('0123456789abcdef0123456789abcdef');

describe('a sealed text', () => {
  test('opens to itself, and looks different every time', () => {
    for (const text of ['', 'secret', 'ü 👩‍👩‍👧', 'x'.repeat(100_000)]) {
      const sealed = seal(key, 'test', 'row', text);
      expect(open(key, 'test', 'row', sealed)).toBe(text);
      expect(seal(key, 'test', 'row', text)).not.toBe(sealed);
      if (text) expect(sealed).not.toContain(text);
    }
  });

  test('opens for nobody else: another key, purpose or owner', () => {
    const sealed = seal(key, 'test', 'row', 'secret');
    expect(() => open(Buffer.alloc(32), 'test', 'row', sealed)).toThrow(/another TASKLOOM_SECRET_KEY/);
    expect(() => open(key, 'other', 'row', sealed)).toThrow(/was changed/);
    expect(() => open(key, 'test', 'other', sealed)).toThrow(/was changed/);
  });

  test('does not open when any bit of it was changed', () => {
    const [version, body = ''] = seal(key, 'test', 'row', 'secret').split('.');
    const bytes = Buffer.from(body, 'base64url');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => open(key, 'test', 'row', `${version}.${changed.toString('base64url')}`)).toThrow();
    }
    for (const sealed of ['', 'v1.', 'v1.AAAA', `v2.${body}`, body])
      expect(() => open(key, 'test', 'row', sealed)).toThrow(/can't be opened/);
  });
});
