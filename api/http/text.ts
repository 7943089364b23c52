import { DomainError } from '../../domain/errors.ts';

const MAX_DEPTH = 40;

const fault = (value: string): string | undefined => {
  if (value.includes('\0')) return 'must not contain the NUL character';
  if (!value.isWellFormed()) return 'must be valid Unicode (it has half of a surrogate pair)';
  return undefined;
};

const refuse = (field: string, message: string): never => {
  throw new DomainError('validation', 'validation_error', `${field} ${message}.`, [{ field, message }]);
};

const checkValue = (value: unknown, field: string, depth: number): void => {
  if (typeof value === 'string') {
    const message = fault(value);
    if (message) refuse(field, message);
    return;
  }
  if (value === null || typeof value !== 'object') return;
  if (depth >= MAX_DEPTH) refuse(field, `must not be nested deeper than ${MAX_DEPTH} levels`);
  for (const [key, item] of Object.entries(value)) {
    const message = fault(key);
    if (message) refuse(field, `has a key that ${message}`);
    checkValue(item, `${field}.${key}`, depth + 1);
  }
};

/**
 * Refuses text that the database would refuse (NUL) or silently change (half a surrogate pair), and nesting that only an
 * attacker writes: in every part of a request that its operation has accepted.
 * @throws DomainError validation.
 */
export const checkText = (parts: {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}): void => {
  checkValue(parts.params, 'params', 0);
  checkValue(parts.query, 'query', 0);
  checkValue(parts.body, 'body', 0);
};
