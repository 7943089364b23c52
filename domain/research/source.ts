/** Something that was found about a topic, with the words that were taken from it. */
export interface Source {
  /** Its number in the run, from 1; `[n]` in the text means it. */
  readonly n: number;
  readonly url: string;
  readonly title: string;
  readonly publisher: string | null;
  /** ISO 8601. */
  readonly publishedAt: string | null;
  /** Plain text, word for word, at most 600 characters each. */
  readonly passages: readonly string[];
  /** Who found it. */
  readonly provider: string;
  /** ISO 8601. */
  readonly fetchedAt: string;
}

export const MAX_PASSAGE_CHARS = 600;

const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\u200b\ufeff\s]+/gu;

/** Text on one line that any store takes: no control characters, no half surrogates, white space as single spaces. */
export const plainLine = (text: string): string => text.toWellFormed().replace(CONTROLS, ' ').trim();

/** The beginning of a text up to a number of characters, ending at a word where there is one. */
export const shortened = (text: string, maxChars: number): string => {
  if (text.length <= maxChars) return text;
  const cut = text.slice(0, maxChars);
  const space = /\s/.test(text.charAt(maxChars)) ? maxChars : cut.lastIndexOf(' ');
  const kept = space > maxChars / 2 ? cut.slice(0, space) : cut;
  // A pair of surrogates is not torn apart.
  return (/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept).trimEnd();
};
