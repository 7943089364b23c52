/** Measures of an article's language: whether it is English prose at all, and how it reads. */
import { finding, overall, ramp, share, type Finding, type Note } from './part.ts';
import type { Sentence, Text } from './text.ts';
import {
  FOREIGN_FUNCTION_WORDS,
  FUNCTION_WORDS,
  contentStems,
  isImpossiblePair,
  isNeverLast,
} from './words.ts';

export interface Readability {
  /** Flesch (1948): 0 to 100 as a rule, higher is easier; NaN for a text without words. */
  readonly fleschReadingEase: number;
}

const countIn = (words: readonly string[], set: ReadonlySet<string>): number =>
  words.reduce((sum, word) => sum + (set.has(word) ? 1 : 0), 0);

const isForeign = ({ words }: Sentence): boolean =>
  words.length >= 6 && countIn(words, FUNCTION_WORDS) < Math.max(1, words.length * 0.12);

/** Whether the words belong to another language as a whole: then only measures without word lists apply. */
export const isOtherLanguage = (words: readonly string[]): boolean => {
  const letters = words.join('');
  const latin = letters.match(/[a-z]/g)?.length ?? 0;
  if (letters.length > 0 && latin / letters.length < 0.5) return true;
  return (
    countIn(words, FOREIGN_FUNCTION_WORDS) > Math.max(0.15 * words.length, 2 * countIn(words, FUNCTION_WORDS))
  );
};

/** The share of words in sentences that are in another language, or in none. */
export const measureEnglish = (text: Text): Finding => {
  const foreign = text.sentences.filter(isForeign);
  const count = (sentences: readonly Sentence[]): number =>
    sentences.reduce((sum, { words }) => sum + words.length, 0);
  const value = share(count(foreign), count(text.sentences));
  const sections = new Set(foreign.map(({ section }) => section));
  const notes = [...sections].map((section) => ({ text: 'Write whole sentences in English here.', section }));
  return finding('english', 60, { score: ramp(value, 0.5, 0.1), value, notes });
};

/** Places per 100 words where English would not put two words together or end a sentence. */
export const measureGrammar = (text: Text): Finding => {
  const wrong = text.sentences.map(({ words, section, text: said }) => {
    const pairs = words.filter((word, i) => i > 0 && isImpossiblePair(words[i - 1] ?? '', word)).length;
    const ends = words.length > 3 && isNeverLast(words.at(-1) ?? '') && /[.!?]$/.test(said) ? 1 : 0;
    return { section, count: pairs + ends, said };
  });
  const total = wrong.reduce((sum, { count }) => sum + count, 0);
  const value = share(total * 100, text.words.length);
  const worst = wrong.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count);
  const notes = worst.slice(0, 3).map(({ section, said }) => ({
    text: `Write this sentence again, its words do not fit together: "${said.slice(0, 80)}"`,
    section,
  }));
  return finding('grammar', 60, { score: ramp(value, 1.8, 0.5), value, notes });
};

/** Mean sentence length in words, and single sentences beyond all measure. */
export const measureSentences = (text: Text): Finding => {
  const lengths = text.sentences.filter(({ words }) => words.length > 1).map(({ words }) => words.length);
  const mean = share(
    lengths.reduce((sum, n) => sum + n, 0),
    lengths.length,
  );
  const longest = Math.max(0, ...lengths);
  const score = Math.min(ramp(mean, 4.5, 8.5), ramp(mean, 42, 26), ramp(longest, 160, 75));
  const note =
    mean < 10
      ? 'Join some of the very short sentences.'
      : 'Split the longest sentences: a reader loses the thread.';
  return finding('sentences', 35, { score, value: mean, notes: [overall(note)] });
};

const MIN_RHYTHM_SENTENCES = 8;

/** How much sentence lengths vary: their standard deviation by their mean. Machines write them all alike. */
export const measureRhythm = (text: Text): Finding => {
  const lengths = text.sentences.map(({ words }) => words.length);
  const mean = share(
    lengths.reduce((sum, n) => sum + n, 0),
    lengths.length,
  );
  const variance = share(
    lengths.reduce((sum, n) => sum + (n - mean) ** 2, 0),
    lengths.length,
  );
  const value = mean === 0 ? 0 : Math.sqrt(variance) / mean;
  const score = lengths.length < MIN_RHYTHM_SENTENCES ? 100 : ramp(value, 0.12, 0.34);
  return finding('rhythm', 15, {
    score,
    value,
    notes: [overall('Vary the length of the sentences: all are about equally long.')],
  });
};

/** Flesch reading ease; both ends are bad. */
export const measureReadability = ({ fleschReadingEase: ease }: Readability): Finding => {
  const score = Math.min(ramp(ease, 0, 30), ramp(ease, 115, 96));
  const note =
    ease < 50 ? 'Use shorter words and sentences: this is hard to read.' : 'Write in fuller sentences.';
  return finding('readability', 30, { score, value: ease, notes: [overall(note)] });
};

/** Distinct items among `window` at a time, on average; texts shorter than the window count once. */
const variety = (items: readonly string[], window: number): number => {
  if (items.length <= window) return share(new Set(items).size, items.length);
  const step = Math.max(1, Math.floor(window / 4));
  const shares: number[] = [];
  for (let from = 0; from + window <= items.length; from += step)
    shares.push(new Set(items.slice(from, from + window)).size / window);
  return shares.reduce((sum, value) => sum + value, 0) / shares.length;
};

const VARIETY_WINDOW = 60;

/** Distinct stems among 60 words that carry meaning. */
export const measureVariety = (text: Text): Finding => {
  const value = variety(contentStems(text.words), VARIETY_WINDOW);
  const notes = [overall('Say more with other words: the same few come back again and again.')];
  return finding('variety', 45, { score: ramp(value, 0.5, 0.76), value, notes });
};

/** Capitals, exclamation marks and emoji, per sentence. */
export const measureShouting = (text: Text): Finding => {
  const prose = text.sentences.map((sentence) => sentence.text).join(' ');
  const capitals = prose.match(/(?<![\p{L}\p{N}])\p{Lu}{4,}(?![\p{L}\p{N}])/gu)?.length ?? 0;
  const marks = prose.match(/!+/g)?.length ?? 0;
  const emoji = prose.match(/\p{Extended_Pictographic}/gu)?.length ?? 0;
  const value = share(capitals + marks + emoji, text.sentences.length);
  const notes: Note[] = [overall('Calm down: fewer capitals, exclamation marks and emoji.')];
  return finding('shouting', 35, { score: ramp(value, 0.8, 0.15), value, notes });
};
