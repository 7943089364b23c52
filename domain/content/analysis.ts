/** What code can measure of a text; no judgement. */
export interface Analysis {
  readonly words: number;
  readonly sentences: number;
  readonly words_per_sentence: number;
  readonly headings: number;
  readonly links: number;
  readonly reading_minutes: number;
  /** `null` without a keyword. */
  readonly keyword_uses: number | null;
  /** Uses per 100 words. */
  readonly keyword_density: number | null;
}

const WORDS_PER_MINUTE = 200;
const words = new Intl.Segmenter('en', { granularity: 'word' });
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

const countWords = (text: string): number =>
  [...words.segment(text)].filter((segment) => segment.isWordLike).length;

const round = (value: number): number => Math.round(value * 100) / 100;

const countUses = (text: string, keyword: string): number =>
  text.toLowerCase().split(keyword.toLowerCase()).length - 1;

/** Measures a Markdown text. @param keyword the one it should be found by, if any. */
export const analyse = (markdown: string, keyword: string | null): Analysis => {
  const prose = markdown.replace(/^#+ .*$/gm, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  const wordCount = countWords(prose);
  const sentenceCount = [...sentences.segment(prose)].filter(({ segment }) => countWords(segment) > 0).length;
  const uses = keyword ? countUses(markdown, keyword) : null;
  return {
    words: wordCount,
    sentences: sentenceCount,
    words_per_sentence: sentenceCount === 0 ? 0 : round(wordCount / sentenceCount),
    headings: markdown.match(/^#+ .*$/gm)?.length ?? 0,
    links: markdown.match(/\[[^\]]*\]\([^)]*\)/g)?.length ?? 0,
    reading_minutes: Math.ceil(wordCount / WORDS_PER_MINUTE),
    keyword_uses: uses,
    keyword_density: uses === null || wordCount === 0 ? uses : round((uses / wordCount) * 100),
  };
};

/** The section headings of a Markdown text; the title stands for a text without any. */
export const headingsOf = (markdown: string, title: string): string[] => {
  const found = [...markdown.matchAll(/^#{2,3} +(.+?) *#*$/gm)]
    .map((match) => match[1] ?? '')
    .filter(Boolean);
  return found.length > 0 ? found : [title];
};

/** What an `optimization` asks of the model. */
export const optimisationRequest = (keyword: string | null): string =>
  `Make it clearer and more useful to readers${keyword ? `, and mention ${keyword} where it fits` : ''}`;
