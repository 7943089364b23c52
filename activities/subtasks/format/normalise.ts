import { readMarkdown } from './read.ts';
import { toMarkdown } from './to-markdown.ts';

/** Ordinary texts are stable at the first or second reading. */
const MAX_READINGS = 6;

/** A text as it was typed, in a form that every reader leaves alone. */
export const asTyped = (text: string): string => {
  const longest = Math.max(2, ...(text.match(/`{3,}/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text.replace(/\r\n?/g, '\n').replace(/\n+$/, '')}\n${fence}\n`;
};

/**
 * Markdown in its normal form, which normalising again leaves as it is.
 * @returns the text as it was typed, inside a code block, where it means something else at each reading
 */
export const normalised = (markdown: string): string => {
  let text = toMarkdown(readMarkdown(markdown));
  for (let reading = 1; reading < MAX_READINGS; reading++) {
    const next = toMarkdown(readMarkdown(text));
    if (next === text) return text;
    text = next;
  }
  return asTyped(markdown);
};
