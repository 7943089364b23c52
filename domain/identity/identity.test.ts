import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requireGoodPassword } from './password.ts';
import { effectiveScopes, requireScopes, SCOPES } from './principal.ts';
import { toTree, type TreeNode } from './tree.ts';

describe('a password', () => {
  const owner = { email: 'ada.lovelace@example.com', username: 'ada' };
  const isCommon = (text: string): boolean => ['password', 'qwertyuiop'].includes(text);
  const check = (password: string) => () => requireGoodPassword(password, owner, isCommon);

  test.each([
    ['is shorter than twelve', 'only eleven'],
    ['is common, made longer', 'password1234!'],
    ['is common, twice', 'passwordpassword'],
    ['is common in other letters', 'QWERTYUIOP12'],
    ['is its owner’s address', 'ada.lovelace@example.com'],
    ['is its owner’s name, made longer', 'ada.lovelace'],
    ['repeats a little', 'abcabcabcabc'],
    ['has few characters', 'aabbaabbaabba'],
  ])('that %s is refused', (_why, password) => {
    expect(check(password)).toThrow(/^body\.password: /);
  });

  test.each(['correct horse battery staple', 'пароль из многих слов', '🐢🐇🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵'])(
    '%s is good',
    (password) => {
      expect(check(password)).not.toThrow();
    },
  );
});

describe('scopes', () => {
  test('over the whole server count only at home', () => {
    expect(effectiveScopes(SCOPES, true).has('users:write')).toBe(true);
    const elsewhere = effectiveScopes(SCOPES, false);
    expect(elsewhere.has('users:write')).toBe(false);
    expect(elsewhere.has('tasks:write')).toBe(true);
  });

  test('are those that exist', () => {
    expect(() => requireScopes(['tasks:read'], 'body.scopes')).not.toThrow();
    expect(() => requireScopes(['tasks:read', 'everything'], 'body.scopes')).toThrow(
      /"everything" is no scope/,
    );
  });
});

describe('a tree', () => {
  const rows = fc
    .array(fc.option(fc.nat({ max: 30 }), { nil: null }), { maxLength: 30 })
    // Each hangs below an earlier one, or below one that is not there.
    .map((parents) =>
      parents.map((parent, i) => ({
        id: `n${i}`,
        parent_id: parent === null ? null : parent < i ? `n${parent}` : 'gone',
      })),
    );
  const ids = (nodes: readonly TreeNode<{ id: string }>[]): string[] =>
    nodes.flatMap(({ id, children }) => [id, ...ids(children)]);

  test('holds every row once', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const tree = toTree(list, ({ id }) => ({ id }));
        expect(ids(tree).toSorted()).toEqual(list.map(({ id }) => id).toSorted());
      }),
    );
  });
});
