import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { grantToKey, isForKeys, maskedKey, scopesOfKey } from './api-key.ts';
import { SCOPES } from './principal.ts';

describe('the scopes of a key', () => {
  test('are never more than what it was given, what its person has, and what keys may have', () => {
    const some = fc.subarray([...SCOPES, 'users:write', 'roles:write']);
    fc.assert(
      fc.property(some, some, (given, held) => {
        const scopes = scopesOfKey(given, new Set(held));
        for (const scope of scopes)
          expect([given.includes(scope), held.includes(scope), isForKeys(scope)]).toEqual([true, true, true]);
        for (const scope of given)
          if (held.includes(scope) && isForKeys(scope)) expect(scopes.has(scope)).toBe(true);
      }),
    );
  });

  test('are granted once each, in order', () => {
    expect(grantToKey(['tasks:write', 'tasks:read', 'tasks:write'], new Set(SCOPES))).toEqual([
      'tasks:read',
      'tasks:write',
    ]);
  });

  test('are refused where they are none, are for people, or are not held', () => {
    const held = new Set<string>(SCOPES);
    expect(() => grantToKey(['tasks:fly'], held)).toThrow(expect.objectContaining({ kind: 'validation' }));
    expect(() => grantToKey(['keys:write'], held)).toThrow(/never given to API keys/);
    expect(() => grantToKey(['tasks:write'], new Set(['tasks:read']))).toThrow(
      expect.objectContaining({ kind: 'forbidden', code: 'scope_not_held' }),
    );
  });

  test('nobody reads more of a key than its end', () => {
    expect(maskedKey('abcd')).toBe('tl_live_****abcd');
  });
});
