import type { Json, JsonObject } from './json.ts';

/** What an object's punctuation and keys take is counted roughly: a bound on size needs no more. */
const PER_ENTRY = 4;

/** Takes values until the budget is used up. */
class Cutter {
  left: number;
  isCut = false;

  constructor(budget: number) {
    this.left = budget;
  }

  cut(value: Json): Json {
    if (typeof value === 'string') return this.#text(value);
    if (value === null || typeof value !== 'object') {
      this.left -= PER_ENTRY;
      return value;
    }
    return isList(value) ? this.#list(value) : this.object(value);
  }

  /** The small ones first: a long text is not to cost the few words that say what it is. */
  object(value: JsonObject): JsonObject {
    const kept = new Map<string, Json>();
    const entries = Object.entries(value);
    for (const [key, item] of entries.toSorted(([, a], [, b]) => sizeOf(a) - sizeOf(b))) {
      if (!this.#affords(key.length + PER_ENTRY)) break;
      kept.set(key, this.cut(item));
    }
    return Object.fromEntries(
      entries.flatMap(([key]) => (kept.has(key) ? [[key, kept.get(key) ?? null] as const] : [])),
    );
  }

  #list(value: readonly Json[]): Json[] {
    const kept: Json[] = [];
    for (const item of value) {
      if (!this.#affords(PER_ENTRY)) break;
      kept.push(this.cut(item));
    }
    return kept;
  }

  #text(value: string): string {
    const room = Math.max(this.left, 0);
    this.left -= value.length;
    if (value.length <= room) return value;
    this.isCut = true;
    // Cutting may have halved a pair of surrogates, which is no text any more.
    return `${value.slice(0, room).toWellFormed()}…`;
  }

  #affords(price: number): boolean {
    if (this.left < price) this.isCut = true;
    this.left -= price;
    return !this.isCut;
  }
}

const sizeOf = (value: Json): number => JSON.stringify(value).length;
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/**
 * An object of at most about `budget` characters: long texts are cut, and what finds no room is left out.
 * @returns the object, and whether anything is missing.
 */
export const excerptOfJson = (
  object: JsonObject,
  budget: number,
): { readonly value: JsonObject; readonly isCut: boolean } => {
  if (sizeOf(object) <= budget) return { value: object, isCut: false };
  const cutter = new Cutter(budget);
  return { value: cutter.object(object), isCut: cutter.isCut };
};
