export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** The text at a key of an object whose shape is known but not its types. @throws Error when there is none. */
export const textAt = (object: JsonObject, key: string): string => {
  const value = object[key];
  if (typeof value !== 'string') throw new Error(`${key} must be a text`);
  return value;
};

/** One text per value whatever the order of its keys, so that equal contents have equal digests. */
export const canonicalJson = (value: Json | undefined): string => {
  if (value === undefined) return 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(value);
};
