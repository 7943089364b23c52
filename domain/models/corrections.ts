import { ABILITIES, type Ability, type Quality } from './catalogue.ts';
import type { ModelPrice } from './catalogue.ts';

/** What an installation says of a model, in place of what its provider says or leaves out. */
export interface ModelCorrection {
  readonly id: string;
  readonly title?: string;
  readonly contextWindow?: number;
  readonly maxOutputTokens?: number;
  readonly abilities?: readonly Ability[];
  readonly quality?: Quality;
  readonly price?: ModelPrice;
}

const FIELDS = [
  'id',
  'title',
  'context_window',
  'max_output_tokens',
  'abilities',
  'quality',
  'input_usd_per_mtok',
  'output_usd_per_mtok',
] as const;
const QUALITIES: readonly Quality[] = ['demo', 'standard'];
const ID = /^[a-z][a-z0-9_-]*:\S+$/;
const MAX_USD = 1_000_000;
const MAX_TOKENS = 1_000_000_000;

type Entry = Readonly<Record<string, unknown>>;

/** One entry with its place, so that every complaint names both. */
class EntryReader {
  readonly #entry: Entry;
  readonly #place: string;

  constructor(entry: Entry, place: string) {
    this.#entry = entry;
    this.#place = place;
  }

  refuse(field: string, wants: string): never {
    throw new Error(`${this.#place}, field "${field}": ${wants}`);
  }

  /** @returns undefined when the field is absent. @throws Error when `is` does not hold of it. */
  read<T>(field: (typeof FIELDS)[number], is: (value: unknown) => value is T, wants: string): T | undefined {
    const value = this.#entry[field];
    if (value === undefined) return undefined;
    return is(value) ? value : this.refuse(field, `${wants}, but is ${JSON.stringify(value)?.slice(0, 100)}`);
  }

  tokens(field: 'context_window' | 'max_output_tokens'): number | undefined {
    const isTokens = (value: unknown): value is number =>
      Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= MAX_TOKENS;
    return this.read(field, isTokens, 'must be a whole number of tokens');
  }

  microsPerMtok(field: 'input_usd_per_mtok' | 'output_usd_per_mtok'): number | undefined {
    const isUsd = (value: unknown): value is number =>
      typeof value === 'number' && value >= 0 && value <= MAX_USD;
    const usd = this.read(field, isUsd, 'must be dollars per million tokens, like 3 or 0.25');
    return usd === undefined ? undefined : Math.round(usd * 1_000_000);
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);
const isQuality = (value: unknown): value is Quality => QUALITIES.some((known) => known === value);
const areAbilities = (value: unknown): value is Ability[] =>
  Array.isArray(value) && value.every((item) => ABILITIES.some((known) => known === item));

const readPrice = (reader: EntryReader): ModelPrice | undefined => {
  const inputPerMtok = reader.microsPerMtok('input_usd_per_mtok');
  const outputPerMtok = reader.microsPerMtok('output_usd_per_mtok');
  if (inputPerMtok !== undefined && outputPerMtok !== undefined) return { inputPerMtok, outputPerMtok };
  if (inputPerMtok !== undefined)
    reader.refuse('output_usd_per_mtok', 'is missing: a price has both directions');
  if (outputPerMtok !== undefined)
    reader.refuse('input_usd_per_mtok', 'is missing: a price has both directions');
  return undefined;
};

const readEntry = (entry: unknown, number: number): ModelCorrection => {
  const nth = `entry ${number}`;
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new Error(`${nth} must be an object like {"id": "provider:name", …}`);
  const { id: given } = entry as Entry;
  const reader = new EntryReader(entry as Entry, typeof given === 'string' ? `${nth} (${given})` : nth);
  const unknown = Object.keys(entry).find((key) => !FIELDS.some((field) => field === key));
  if (unknown !== undefined) reader.refuse(unknown, `is not known: use ${FIELDS.join(', ')}`);
  const id = reader.read('id', isId, 'must be "provider:name"');
  if (id === undefined) return reader.refuse('id', 'is missing: it is "provider:name"');
  const fields = {
    title: reader.read('title', isText, 'must be a text'),
    contextWindow: reader.tokens('context_window'),
    maxOutputTokens: reader.tokens('max_output_tokens'),
    abilities: reader.read('abilities', areAbilities, `must be a list of ${ABILITIES.join(', ')}`),
    quality: reader.read('quality', isQuality, `must be ${QUALITIES.join(' or ')}`),
    price: readPrice(reader),
  };
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { id, ...Object.fromEntries(said) };
};

/**
 * Reads the list of corrections of an installation.
 * @throws Error that names the entry, counted from 1, and the field at fault.
 */
export const parseCorrections = (document: unknown): ModelCorrection[] => {
  if (!Array.isArray(document)) throw new Error('must hold a list: [{"id": "provider:name", …}, …]');
  const corrections = document.map((entry, i) => readEntry(entry, i + 1));
  corrections.forEach(({ id }, i) => {
    const first = corrections.findIndex((other) => other.id === id);
    if (first !== i) throw new Error(`entry ${i + 1} (${id}), field "id": entry ${first + 1} has it already`);
  });
  return corrections;
};
