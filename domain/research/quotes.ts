import type { Mark } from './marks.ts';

export interface Quote {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const MIN_WORDS = 6;
const MAX_CHARS = 1_200;
/** Pairs of quotation marks; straight ones only where they stand like opening and closing ones. */
const PAIRS = [
  /“([^“”\n]*)”/g,
  /„([^„“”\n]*)[“”]/g,
  /«([^«»\n]*)»/g,
  /(?<![\p{L}\p{N}"])"(?=\S)([^"\n]*\S)"(?![\p{L}\p{N}"])/gu,
];

const wordsIn = (text: string): number => text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu)?.length ?? 0;

/** The quotations of more than five words, in their order. */
export const quotesOf = (body: string): Quote[] =>
  PAIRS.flatMap((pair) =>
    [...body.matchAll(pair)].map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
      text: match[1] ?? '',
    })),
  )
    .filter(({ text }) => text.length <= MAX_CHARS && wordsIn(text) >= MIN_WORDS)
    .toSorted((a, b) => a.start - b.start);

/** Whether the words after a quotation go beyond its sentence. */
const isNewSentence = (quote: Quote, between: string): boolean =>
  /[.!?]\s+\p{Lu}|\n\s*\n/u.test(between) || (/[.!?]$/.test(quote.text) && /^\s+\p{Lu}/u.test(between));

/**
 * The numbers of the marks that a quotation goes with: those that follow it in its sentence, up to the next quotation, or
 * else one directly before it.
 */
export const marksBeside = (
  body: string,
  quote: Quote,
  quotes: readonly Quote[],
  marks: readonly Mark[],
): number[] => {
  const next = quotes.find(({ start }) => start >= quote.end)?.start ?? body.length;
  const following: number[] = [];
  let at = quote.end;
  for (const mark of marks.filter(({ start }) => start >= quote.end && start < next)) {
    const between = body.slice(at, mark.start);
    if (following.length === 0 ? isNewSentence(quote, between) : !/^\s*$/.test(between)) break;
    following.push(...mark.numbers);
    at = mark.end;
  }
  if (following.length > 0) return following;
  const before = marks.findLast(({ end }) => end <= quote.start);
  return before && /^[\s:,]*$/.test(body.slice(before.end, quote.start)) ? [...before.numbers] : [];
};

/** One form for words that differ only in white space, quotation marks, dashes, emphasis, marks or capitals. */
export const normalised = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/\[\^?\d{1,3}(?:\s*[,;]\s*\d{1,3})*\]/g, '')
    .replace(/[“”„‟«»‘’‚‛‹›"'`*_´]/g, '')
    .replace(/[‐‑‒–—―−-]+/g, '-')
    .replace(/\s+/g, ' ')
    .replace(/\s*-\s*/g, '-')
    .trim()
    .toLowerCase();

/** Whether the words of a quotation stand in a passage; each part of one with an ellipsis has to. */
export const isHeld = (quote: string, passages: readonly string[]): boolean => {
  const parts = quote
    .split(/\[?(?:\.{3}|…)\]?/)
    .map((part) => normalised(part).replace(/^[\s.,;:!?]+|[\s.,;:!?]+$/g, ''))
    .filter((part) => part !== '');
  const known = passages.map(normalised);
  return parts.every((part) => known.some((passage) => passage.includes(part)));
};
