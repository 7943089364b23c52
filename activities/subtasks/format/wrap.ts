/** Columns of a mail that every reader shows without breaking lines once more. */
export const MAIL_WIDTH = 72;

/** Words that would begin a list, a quote, a heading or a directive if they stood at a line's start. */
const MARKER = /^(?:[-+*>#|=~:.^"'`_]|\d{1,9}[.)]|\(?[a-zA-Z][.)]$|\[)/;

/**
 * Breaks a text at its spaces so that no line is longer than a width, where words allow it. Lines that are there stay.
 * No line begins with what a markup takes for something else.
 */
export const wrapped = (text: string, width: number): string =>
  text
    .split('\n')
    .map((line) => {
      const lines: string[] = [];
      for (const word of line.split(' ')) {
        const last = lines.at(-1);
        const fits = last !== undefined && last.length + 1 + word.length <= width;
        if (last !== undefined && (fits || MARKER.test(word))) lines[lines.length - 1] = `${last} ${word}`;
        else lines.push(word);
      }
      return lines.join('\n');
    })
    .join('\n');

/** Puts one prefix before the first line and another before the rest; lines without text get no trailing spaces. */
export const prefixed = (text: string, first: string, rest: string): string =>
  text
    .split('\n')
    .map((line, at) => ((at === 0 ? first : rest) + line).trimEnd())
    .join('\n');
