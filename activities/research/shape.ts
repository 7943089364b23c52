import type { Json, JsonObject } from '../../domain/json.ts';

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object at a key, an empty one where there is none: vendors leave out what they have nothing of. */
export const objectAt = (value: JsonObject, key: string): JsonObject => {
  const found = value[key];
  return isObject(found) ? found : {};
};

/** The objects of a list at a key; whatever else is in it is left out. */
export const objectsAt = (value: JsonObject, key: string): JsonObject[] => {
  const found = value[key];
  return Array.isArray(found) ? (found as readonly Json[]).filter(isObject) : [];
};

/** The text at a key, null where there is none. */
export const stringAt = (value: JsonObject, key: string): string | null => {
  const found = value[key];
  return typeof found === 'string' && found !== '' ? found : null;
};

/** The texts of a list at a key. */
export const stringsAt = (value: JsonObject, key: string): string[] => {
  const found = value[key];
  return Array.isArray(found)
    ? (found as readonly Json[]).filter((item): item is string => typeof item === 'string')
    : [];
};

/** A time in ISO 8601, UTC where it names no zone; null for what is no time. */
export const isoTime = (text: string | null): string | null => {
  if (text === null) return null;
  const time = new Date(/^\d{4}-\d\d-\d\d[T ][\d:.]+$/.test(text) ? `${text.replace(' ', 'T')}Z` : text);
  const year = time.getUTCFullYear();
  return year >= 1000 && year <= 9999 ? time.toISOString() : null;
};
