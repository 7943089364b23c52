/** What is wrong with a text's Markdown. */
import type { Block, Text } from './text.ts';

export interface Problem {
  readonly message: string;
  readonly excerpt: string;
  /** Of the block's first line, from 1. */
  readonly line: number;
  readonly section: number | null;
}

const TAG =
  /<\/?(?:div|span|p|b|i|u|br|font|strong|em|h[1-6]|ul|ol|li|table|tr|td|section|script|style)\b[^<>]{0,200}>|<!--/i;
const LINK =
  /!?\[[^[\]\n]{0,500}\]\((?![^()\s]{1,1000}(?:\([^()\s]{0,200}\)[^()\s]{0,1000})?(?: +"[^"\n]{0,300}")?\))/;

/** Whether rows of a table have different numbers of cells. */
const isUneven = (raw: string): boolean => {
  const cells = raw.split('\n').map(
    (row) =>
      row
        .trim()
        .replace(/^\||\|$/g, '')
        .split(/(?<!\\)\|/).length,
  );
  return new Set(cells).size > 1;
};

const problemsOf = ({ kind, raw, closed }: Block): string[] => {
  if (kind === 'code') return closed ? [] : ['Close the code block.'];
  const prose = raw.replace(/`[^`\n]*`/g, '');
  return [
    ...(/^ {0,3}#{1,6}[^\s#!\d]/m.test(prose) ? ['Put a space between # and the heading.'] : []),
    ...((prose.match(/\*\*/g)?.length ?? 0) % 2 === 1 ? ['Close the bold text: a ** stands alone.'] : []),
    ...(LINK.test(prose) ? ['Mend the broken link or image.'] : []),
    ...(TAG.test(prose) ? ['Use Markdown in place of HTML tags.'] : []),
    ...(/&(?:nbsp|amp|lt|gt|quot|#\d+);/.test(prose)
      ? ['Replace HTML entities with the characters they stand for.']
      : []),
    ...(kind === 'table' && isUneven(raw) ? ['Give every row of the table the same number of cells.'] : []),
  ];
};

/** Broken Markdown, each kind once a block. */
export const markdownProblems = (text: Text): Problem[] =>
  text.blocks.flatMap((block) =>
    problemsOf(block).map((message) => ({
      message,
      excerpt: block.raw.slice(0, 80),
      line: block.line,
      section: block.section,
    })),
  );
