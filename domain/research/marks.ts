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
/** Code is text of its own: `list[1]` in it cites nothing. */
const CODE = /^(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^\1[`~]*[ \t]*$|(?![\s\S]))|(`+)(?!`)[^\n]*?[^`\n]\2(?!`)/gm;

const rangesOfCode = (body: string): { start: number; end: number }[] =>
  [...body.matchAll(CODE)].map((match) => ({ start: match.index, end: match.index + match[0].length }));

/** The marks of a text in their order, those in code left out. */
export const marksOf = (body: string): Mark[] => {
  const code = rangesOfCode(body);
  return [...body.matchAll(MARK)]
    .map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
      numbers: (match[1] ?? '').split(/[,;]/).map((part) => Number(part.replace('^', ''))),
    }))
    .filter(({ start }) => !code.some((range) => range.start <= start && start < range.end));
};

export const markFor = (numbers: readonly number[]): string => numbers.map((n) => `[${n}]`).join('');
