import { rangesOfCode } from './code.ts';

/** A place in the text that points at sources: `[2]`, or a form that models write instead: `[1, 2]`, `[^2]`, `[2](…)`. */
export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly numbers: readonly number[];
}

const NUMBER = '[1-9]\\d{0,2}';
const ADDRESS = `(?:<[^<>\\n]*>|[^()\\s<>]*(?:\\([^()\\s]*\\)[^()\\s]*)*)`;
/** The address of a link that was made of a mark belongs to the mark: nobody checked it. */
const LINK = `\\([ \\t]*${ADDRESS}(?:[ \\t]+(?:"[^"\\n]*"|'[^'\\n]*'))?[ \\t]*\\)`;
const MARK = new RegExp(`\\[\\^?(${NUMBER}(?:\\s*[,;]\\s*\\^?${NUMBER})*)\\](?:${LINK})?`, 'g');
/** The marks of a text in their order. Code is text of its own: `list[1]` in it cites nothing. */
export const marksOf = (body: string): Mark[] => {
  const code = rangesOfCode(body);
  let next = 0;
  const isCode = (at: number): boolean => {
    while ((code[next]?.end ?? Infinity) <= at) next += 1;
    return (code[next]?.start ?? Infinity) <= at;
  };
  return [...body.matchAll(MARK)]
    .map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
      numbers: (match[1] ?? '').split(/[,;]/).map((part) => Number(part.replace('^', ''))),
    }))
    .filter(({ start }) => !isCode(start));
};

export const markFor = (numbers: readonly number[]): string => numbers.map((n) => `[${n}]`).join('');
