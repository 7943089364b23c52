import { flesch } from 'flesch';
import { syllable } from 'syllable';
import type { Readability } from '../../../domain/content/quality.ts';
import { parseText } from '../../../domain/content/quality/text.ts';

/**
 * How easily an English Markdown text reads. List items and quotes count as sentences; code, tables and headings are
 * left out.
 * @returns `fleschReadingEase` is NaN for a text without a sentence
 */
export const readabilityOf = (markdown: string): Readability => {
  const { sentences } = parseText(markdown);
  const words = sentences.flatMap((sentence) => sentence.words).filter((word) => /\p{L}/u.test(word));
  const counts = {
    sentence: sentences.length,
    word: words.length,
    syllable: words.reduce((sum, word) => sum + Math.max(1, syllable(word)), 0),
  };
  return { fleschReadingEase: flesch(counts) };
};
