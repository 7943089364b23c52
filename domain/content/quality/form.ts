/** Measures of an article's form: length, sections, paragraphs, lists, Markdown, its end. */
import { markdownProblems } from './markdown.ts';
import { finding, overall, ramp, share, type Finding, type Note } from './part.ts';
import { wordsOf, type Block, type Text } from './text.ts';

export interface WordRange {
  readonly min: number;
  readonly max: number;
}

/** Without a brief, an article may be this long. */
const USUAL_LENGTH: WordRange = { min: 150, max: 4000 };

/** Words against the brief; half of what was asked for is as bad as nothing. */
export const measureLength = (text: Text, target: WordRange | null): Finding => {
  const { min, max } = target ?? USUAL_LENGTH;
  const words = text.words.length;
  const short = ramp(share(words, min), 0.35, 1);
  const long = ramp(share(words, max), 2.5, 1.1);
  const note =
    short < long
      ? `Write more: the text has ${words} words, at least ${min} are wanted.`
      : `Shorten the text: it has ${words} words, at most ${max} are wanted.`;
  return finding('length', 60, { score: Math.min(short, long), value: words, notes: [overall(note)] });
};

const hasSubstance = (blocks: readonly Block[]): boolean =>
  blocks.some(({ kind }) => kind === 'code' || kind === 'table' || kind === 'item');

/** A section with fewer words than this is a heading without a text, unless it holds code, a table or a list. */
const EMPTY_SECTION_WORDS = 12;
/** From this length on readers look for headings. */
const LONG_WITHOUT_HEADINGS = 700;

/** Sections: empty ones, a lopsided split, headings that repeat, too many or none. */
export const measureStructure = (text: Text): Finding => {
  const { sections } = text;
  const words = text.words.length;
  const empty = sections.flatMap(({ words: own, blocks }, index) =>
    own.length < EMPTY_SECTION_WORDS && !hasSubstance(blocks) ? [index] : [],
  );
  const headings = text.blocks
    .filter(({ kind }) => kind === 'heading')
    .map(({ plain }) => plain.toLowerCase());
  const repeated = headings.length - new Set(headings).size;
  const largest = Math.max(0, ...sections.map((section) => share(section.words.length, words)));
  const perHundred = share(headings.length * 100, words);
  const scores = [
    ramp(share(empty.length, Math.max(1, sections.length)), 0.5, 0),
    repeated > 0 ? 50 : 100,
    sections.length >= 3 ? ramp(largest, 0.95, 0.75) : 100,
    ramp(perHundred, 9, 5),
    sections.length === 0 && words > LONG_WITHOUT_HEADINGS ? 60 : 100,
  ];
  const notes: Note[] = [
    ...empty.map((section) => ({ text: 'Write this section or drop its heading: it has no text.', section })),
    ...(repeated > 0 ? [overall('Give every section a heading of its own: some repeat.')] : []),
    ...(perHundred > 5 ? [overall('Use fewer headings: most have too little text under them.')] : []),
    overall('Divide the text into sections of similar weight, each with a heading.'),
  ];
  return finding('structure', 25, { score: Math.min(...scores), value: empty.length, notes });
};

const LONGEST_PARAGRAPH = { good: 170, bad: 330 };

/** The longest paragraph, in words. */
export const measureParagraphs = (text: Text): Finding => {
  const lengths = text.blocks
    .filter(({ kind }) => kind === 'paragraph' || kind === 'item')
    .map((block) => ({ section: block.section, words: wordsOf(block.plain).length }));
  const longest = Math.max(0, ...lengths.map(({ words }) => words));
  const notes = lengths
    .filter(({ words }) => words > LONGEST_PARAGRAPH.good)
    .map(({ words, section }) => ({ text: `Break up the paragraph of ${words} words.`, section }));
  const score = ramp(longest, LONGEST_PARAGRAPH.bad, LONGEST_PARAGRAPH.good);
  return finding('paragraphs', 20, { score, value: longest, notes });
};

/** Lists of fragments where sentences are missing. The value is the share of words in such lists. */
export const measureLists = (text: Text): Finding => {
  const items = text.blocks.filter(({ kind }) => kind === 'item').map(({ plain }) => wordsOf(plain).length);
  const fragments = items.filter((words) => words < 6).length;
  const inItems = items.reduce((sum, words) => sum + words, 0);
  const value = share(inItems, text.words.length) * share(fragments, items.length);
  const notes = [overall('Explain the points of the lists in sentences: most are only fragments.')];
  return finding('lists', 45, { score: ramp(value, 0.7, 0.25), value, notes });
};

/** Broken Markdown; the value counts the places. */
export const measureMarkdown = (text: Text): Finding => {
  const notes = markdownProblems(text).map(({ message, section }): Note => ({ text: message, section }));
  return finding('markdown', 40, { score: ramp(notes.length, 4, 0), value: notes.length, notes });
};

const ENDS_WELL = /(?:[.!?…:]|[.!?…]?["”’»')\]*_]+|\p{Extended_Pictographic}\uFE0F?)$/u;

/** Paragraphs that stop in the middle of a sentence; the last one counts most. The value is their number. */
export const measureEndings = (text: Text): Finding => {
  const prose = text.blocks.filter(({ kind }) => kind === 'paragraph' || kind === 'quote');
  const open = prose.filter(({ plain }) => wordsOf(plain).length >= 4 && !ENDS_WELL.test(plain));
  const last = text.blocks.at(-1);
  const stopsShort = last !== undefined && (last.kind === 'heading' || open.includes(last));
  const score = Math.min(stopsShort ? 15 : 100, ramp(share(open.length, prose.length), 0.4, 0.05));
  const notes = [
    ...open.map(({ section }) => ({ text: 'Finish the sentence at the end of this paragraph.', section })),
    overall('Write the end: the text stops short.'),
  ];
  return finding('endings', 50, { score, value: open.length, notes });
};
