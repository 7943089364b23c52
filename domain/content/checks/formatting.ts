/** Slips of Markdown and layout. */
import { markdownProblems } from '../quality/markdown.ts';
import { wordsOf, type Text } from '../quality/text.ts';
import type { Issue } from './issue.ts';

const LONG_PARAGRAPH_WORDS = 170;

const issue = (severity: Issue['severity'], message: string, excerpt: string, line: number): Issue => ({
  check: 'formatting',
  severity,
  message,
  excerpt: excerpt.replace(/\s+/g, ' ').trim(),
  line,
});

/** Headings that go down more than one level at a time; the first one may have any. */
const skippedLevels = (text: Text): Issue[] => {
  const headings = text.blocks.filter(({ kind }) => kind === 'heading');
  return headings.flatMap(({ level, raw, line }, i) => {
    const before = headings[i - 1]?.level ?? level;
    return level > before + 1
      ? [
          issue(
            'warning',
            `A heading of level ${level} follows one of level ${before}: a level is skipped.`,
            raw,
            line,
          ),
        ]
      : [];
  });
};

const emptyHeadings = (text: Text): Issue[] =>
  text.blocks
    .filter(({ kind, plain }) => kind === 'heading' && plain === '')
    .map(({ line, raw }) => issue('error', 'The heading is empty.', raw, line));

const missingAlt = (text: Text): Issue[] =>
  text.blocks
    .filter(({ kind, raw }) => kind !== 'code' && /!\[\s*\]\([^()\s]/.test(raw.replace(/`[^`\n]*`/g, '')))
    .map(({ line, raw }) =>
      issue('warning', 'Describe the image: its alternative text is empty.', raw.slice(0, 80), line),
    );

const longParagraphs = (text: Text): Issue[] =>
  text.blocks.flatMap(({ kind, plain, line }) => {
    const words = kind === 'paragraph' ? wordsOf(plain).length : 0;
    return words > LONG_PARAGRAPH_WORDS
      ? [issue('warning', `The paragraph has ${words} words: break it up.`, plain.slice(0, 80), line)]
      : [];
  });

/** What no reader sees and no writer meant. Two spaces or one backslash at a line's end break the line in Markdown. */
const JUNK: readonly (readonly [RegExp, string])[] = [
  // Tabs are no characters to complain of here; every other control character is.
  [/(?!\t)[\p{Cc}\u200b\u2060\ufeff\ufffd]/u, 'The line holds invisible or broken characters.'],
  [/\S(?:\t+| {3,})$/, 'The line ends with stray blanks.'],
  [/\\\\$|(?<!\\)\\ +$/, 'The line ends with a stray backslash.'],
  [/^\s*[,;.:)\]}]+\s*$/, 'The line is only punctuation.'],
  [/[\p{L}.!?] *(?:\|{1,2}|#{1,6}|~{1,2}|\^|<|=)$/u, 'The line ends with a stray mark.'],
];

const junkLines = (markdown: string, text: Text): Issue[] => {
  const skipped = new Set<number>();
  for (const { kind, raw, line } of text.blocks) {
    const rows = raw.split('\n').length;
    if (kind === 'code') for (let n = 0; n <= rows + 1; n++) skipped.add(line + n);
    if (kind === 'table' || kind === 'heading') for (let n = 0; n < rows; n++) skipped.add(line + n);
  }
  return markdown.split(/\r?\n/).flatMap((row, i) => {
    const found = skipped.has(i + 1) ? undefined : JUNK.find(([pattern]) => pattern.test(row));
    return found ? [issue('warning', found[1], row.slice(-80), i + 1)] : [];
  });
};

/** Broken Markdown, skipped heading levels, images without a description, stray marks, very long paragraphs. */
export const checkFormatting = (markdown: string, text: Text): Issue[] => [
  ...markdownProblems(text).map(({ message, excerpt, line }) => issue('error', message, excerpt, line)),
  ...skippedLevels(text),
  ...emptyHeadings(text),
  ...missingAlt(text),
  ...longParagraphs(text),
  ...junkLines(markdown, text),
];
