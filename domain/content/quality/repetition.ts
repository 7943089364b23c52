/** Measures of repetition: sentences said again, phrases, openings. */
import { finding, overall, ramp, share, type Finding, type Note } from './part.ts';
import type { Sentence, Text } from './text.ts';

/** Two sentences that share this part of their words say the same. */
const SAME_SENTENCE = 0.6;
const MIN_SENTENCE_WORDS = 6;
/** Comparing each with each is quadratic; what comes later repeats what was compared. */
const MAX_SENTENCES = 600;

const overlap = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  let common = 0;
  for (const word of a) if (b.has(word)) common++;
  return common / (a.size + b.size - common);
};

/** The sentences that say an earlier one again. */
export const repeatedSentences = (sentences: readonly Sentence[]): Sentence[] => {
  const seen: ReadonlySet<string>[] = [];
  return sentences.slice(0, MAX_SENTENCES).filter(({ words }) => {
    if (words.length < MIN_SENTENCE_WORDS) return false;
    const set = new Set(words);
    const again = seen.some((other) => overlap(set, other) >= SAME_SENTENCE);
    seen.push(set);
    return again;
  });
};

/** The share of words in sentences that repeat an earlier one, nearly or exactly. */
export const measureRepetition = (text: Text): Finding => {
  const repeated = repeatedSentences(text.sentences);
  const count = (sentences: readonly Sentence[]): number =>
    sentences.reduce((sum, { words }) => sum + words.length, 0);
  const value = share(count(repeated), count(text.sentences));
  const notes: Note[] = repeated.slice(0, 5).map(({ text: said, section }) => ({
    text: `Drop or replace this sentence, it repeats an earlier one: "${said.slice(0, 80)}"`,
    section,
  }));
  return finding('repetition', 60, { score: ramp(value, 0.2, 0.02), value, notes });
};

const PHRASE_WORDS = 4;

/** The share of four-word phrases that occurred before. */
export const measurePhrases = (text: Text): Finding => {
  const counts = new Map<string, number>();
  let total = 0;
  for (const { words } of text.sentences)
    for (let i = 0; i + PHRASE_WORDS <= words.length; i++) {
      const phrase = words.slice(i, i + PHRASE_WORDS).join(' ');
      counts.set(phrase, (counts.get(phrase) ?? 0) + 1);
      total++;
    }
  const again = [...counts.values()].reduce((sum, n) => sum + n - 1, 0);
  const [phrase = '', times = 0] = [...counts].toSorted((a, b) => b[1] - a[1])[0] ?? [];
  const value = share(again, total);
  const notes = [overall(`Vary the wording: "${phrase}" stands here ${times} times.`)];
  return finding('phrases', 45, { score: ramp(value, 0.16, 0.025), value, notes });
};

const OPENING_WORDS = 2;

/** The share of sentences that open with the same two words as an earlier one. */
export const measureOpenings = (text: Text): Finding => {
  const long = text.sentences.filter(({ words }) => words.length >= 4);
  const openings = long.map(({ words }) => words.slice(0, OPENING_WORDS).join(' '));
  const value = share(openings.length - new Set(openings).size, openings.length);
  const score = openings.length < 8 ? 100 : ramp(value, 0.5, 0.2);
  return finding('openings', 25, {
    score,
    value,
    notes: [overall('Begin the sentences differently: many open with the same words.')],
  });
};
