import { invalid } from '../errors.ts';
import type { Json } from '../json.ts';

export type SettingType = 'string' | 'int' | 'bool' | 'json';

/** The most bytes of JSON that a value may have. */
export const MAX_VALUE_BYTES = 32_768;

/** What is shown in the place of a secret; nobody's secret, so it is refused as one. */
export const MASK = '********';

const INTEGER = /^[+-]?\d{1,16}$/;

const refuse = (why: string): never => {
  throw invalid('body.value', why);
};

const toInteger = (given: Json): Json => {
  const value = typeof given === 'string' && INTEGER.test(given) ? Number(given) : given;
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    return refuse('must be an integer between -(2^53 - 1) and 2^53 - 1, as the setting is of type int');
  // There is one zero in JSON.
  return value === 0 ? 0 : value;
};

const toBoolean = (given: Json): Json => {
  if (typeof given === 'boolean') return given;
  if (given === 'true' || given === 'false') return given === 'true';
  return refuse('must be true or false, as the setting is of type bool');
};

/** Numbers that JSON can write down but nobody can keep, such as 1e400, would come back as null. */
const isFinite = (value: Json): boolean => {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value !== 'object') return true;
  return Object.values(value).every(isFinite);
};

const toJson = (given: Json): Json => {
  let value = given;
  if (typeof given === 'string')
    try {
      value = JSON.parse(given) as Json;
    } catch {
      return refuse('must be JSON: a text is read as JSON, so a plain one needs quotes of its own');
    }
  return isFinite(value) ? value : refuse('holds a number that is too large');
};

const READERS: Readonly<Record<SettingType, (given: Json) => Json>> = {
  string: (given) =>
    typeof given === 'string' ? given : refuse('must be a text, as the setting is of type string'),
  int: toInteger,
  bool: toBoolean,
  json: toJson,
};

/**
 * The value of a setting as it was given: as JSON of its type, or as a text that says it.
 * @throws DomainError validation when it is not of this type, or too large.
 */
export const readValue = (type: SettingType, given: Json): Json => {
  const value = READERS[type](given);
  if (new TextEncoder().encode(JSON.stringify(value)).length > MAX_VALUE_BYTES)
    return refuse(`must be at most ${MAX_VALUE_BYTES} bytes of JSON`);
  return value;
};
