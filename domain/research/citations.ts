import { markFor, marksOf } from './marks.ts';
import { dropOwnSourceList } from './own-list.ts';
import { isHeld, marksBeside, quotesOf } from './quotes.ts';
import { plainLine, shortened, type Source } from './source.ts';

export interface Unquoted {
  /** As it stands in the text, without its quotation marks. */
  readonly quote: string;
  /** The marks beside it. */
  readonly marks: readonly number[];
}

export interface CitationCheck {
  /** Numbers of sources that the text cites, rising. */
  readonly used: number[];
  /** Numbers in the text that no source has, rising. */
  readonly unknown: number[];
  /** Quotations beside a mark that none of its sources holds. */
  readonly unquoted: Unquoted[];
}

const rising = (numbers: Iterable<number>): number[] => [...new Set(numbers)].toSorted((a, b) => a - b);

/**
 * Compares a text with the sources that it cites as `[n]`. Quotations of more than five words beside a mark must stand in a
 * passage of that source, differences in white space, quotation marks, dashes and capitals aside.
 */
export const checkCitations = (
  body: string,
  sources: readonly Pick<Source, 'n' | 'passages'>[],
): CitationCheck => {
  const marks = marksOf(body);
  const cited = rising(marks.flatMap(({ numbers }) => numbers));
  const known = new Map(sources.map(({ n, passages }) => [n, passages]));
  const quotes = quotesOf(body);
  const unquoted = quotes
    .map((quote) => ({ quote: quote.text, marks: rising(marksBeside(body, quote, quotes, marks)) }))
    .filter((found) => found.marks.length > 0)
    .filter(
      (found) =>
        !isHeld(
          found.quote,
          found.marks.flatMap((n) => known.get(n) ?? []),
        ),
    );
  return {
    used: cited.filter((n) => known.has(n)),
    unknown: cited.filter((n) => !known.has(n)),
    unquoted,
  };
};

/** One pass of {@link dropUnknownMarks}. */
const dropOnce = (body: string, known: ReadonlySet<number>): string => {
  let result = '';
  let at = 0;
  for (const mark of marksOf(body)) {
    const kept = rising(mark.numbers.filter((n) => known.has(n)));
    const before = body.slice(at, mark.start);
    result += kept.length > 0 ? before + markFor(kept) : before.replace(/[ \t]+$/, '');
    at = mark.end;
  }
  return result + body.slice(at);
};

/**
 * Removes the marks that have no source; those that have one become `[n]`, whatever form they had. Text without marks, and
 * code, stay as they are.
 * @param known numbers of the run's sources
 */
export const dropUnknownMarks = (body: string, known: Iterable<number>): string => {
  const numbers = new Set(known);
  let [before, after] = [body, dropOnce(body, numbers)];
  // What a removed mark stood between can be a mark itself: `[[9]1]`.
  while (after !== before) [before, after] = [after, dropOnce(after, numbers)];
  return after;
};

/** Text that means itself in Markdown and can't become a link, a list or HTML. */
const escaped = (text: string): string =>
  plainLine(text)
    .replace(/[\\`*_{}[\]()<>#+!|~&@:$]/g, '\\$&')
    .replace(/www\./gi, (match) => `${match.slice(0, -1)}\\.`);

const linkTo = (url: string, title: string): string => {
  const parsed = URL.parse(url);
  const isSafe =
    parsed && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === '';
  return isSafe ? `[${escaped(title)}](<${parsed.href}>)` : escaped(title);
};

/**
 * The section that names the sources which a text cites, to be put at its end.
 * @returns Markdown that begins with a heading; '' when the text cites none
 */
export const sourceList = (
  body: string,
  sources: readonly Pick<Source, 'n' | 'url' | 'title' | 'publisher' | 'publishedAt'>[],
): string => {
  const cited = new Set(marksOf(dropOwnSourceList(body)).flatMap(({ numbers }) => numbers));
  const lines = sources
    .filter(({ n }) => cited.has(n))
    .toSorted((a, b) => a.n - b.n)
    .map(({ n, url, title, publisher, publishedAt }) => {
      const details = [publisher === null ? '' : escaped(publisher), publishedAt?.slice(0, 10) ?? ''];
      return [`- [${n}] ${linkTo(url, title)}`, ...details.filter(Boolean)].join(', ');
    });
  return lines.length === 0 ? '' : `## Sources\n\n${lines.join('\n')}\n`;
};

const promptText = (text: string): string => plainLine(text.replace(/\[\^?\d{1,3}\]/g, ''));

/**
 * The sources for a model's prompt, compact: a line for each, its passages below, every source's first passage before any
 * source's second.
 * @param maxChars limit of the whole; sources that don't fit are left out from the end
 */
export const sourcesForPrompt = (
  sources: readonly Pick<Source, 'n' | 'title' | 'publisher' | 'publishedAt' | 'passages'>[],
  maxChars: number,
): string => {
  let left = maxChars;
  const blocks: string[][] = [];
  const fits = (line: string): boolean => {
    if (line.length + 1 > left) return false;
    left -= line.length + 1;
    return true;
  };
  for (const { n, title, publisher, publishedAt } of sources) {
    const details = [publisher ?? '', publishedAt?.slice(0, 10) ?? ''].filter(Boolean).join(', ');
    const line = `[${n}] ${shortened(promptText(title), 160)}${details ? ` (${promptText(details)})` : ''}`;
    if (!fits(line)) break;
    blocks.push([line]);
  }
  const rounds = Math.max(0, ...sources.map(({ passages }) => passages.length));
  for (let round = 0; round < rounds; round += 1)
    blocks.forEach((block, at) => {
      const passage = sources[at]?.passages[round];
      const line = passage === undefined ? '' : `“${promptText(passage)}”`;
      if (line !== '' && fits(line)) block.push(line);
    });
  return blocks.flat().join('\n');
};

export { dropOwnSourceList } from './own-list.ts';
