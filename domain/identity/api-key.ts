import { DomainError, invalid } from '../errors.ts';
import { SCOPES } from './principal.ts';

/** What every API key begins with, so that people and scanners of leaked secrets know one when they see it. */
export const KEY_PREFIX = 'tl_live_';

/** Who makes keys, people or roles acts as a person. A key that could do so would outlive its own end. */
const FOR_PEOPLE = /^(keys|users|roles|departments|menus):write$/;

/** Whether a key may have a scope at all, whoever its person is. */
export const isForKeys = (scope: string): boolean => !FOR_PEOPLE.test(scope);

/** What a key may do now: what it was given, as far as its person may still do it. */
export const scopesOfKey = (given: readonly string[], held: ReadonlySet<string>): ReadonlySet<string> =>
  new Set(given.filter((scope) => held.has(scope) && isForKeys(scope)));

/**
 * The scopes of a new key, each once and in order.
 * @throws DomainError validation for what is no scope, or none for keys; forbidden for one that the person lacks.
 */
export const grantToKey = (wanted: readonly string[], held: ReadonlySet<string>): string[] => {
  const known: readonly string[] = SCOPES;
  for (const [i, scope] of wanted.entries()) {
    const field = `body.scopes.${i}`;
    if (!known.includes(scope)) throw invalid(field, 'is not a scope; GET /auth/me lists yours');
    if (!isForKeys(scope)) throw invalid(field, `${scope} is never given to API keys: it is for people`);
    if (!held.has(scope))
      throw new DomainError('forbidden', 'scope_not_held', `You lack ${scope}, so your key can't have it.`);
  }
  return [...new Set(wanted)].toSorted();
};

/** How a key is shown. @param hint its last characters. */
export const maskedKey = (hint: string): string => `${KEY_PREFIX}****${hint}`;
