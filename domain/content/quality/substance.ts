/** Measures of what an article says: its topic, its keyword, and how much of it is padding. */
import { finding, overall, ramp, share, type Finding, type Note } from './part.ts';
import { wordsOf, type Text } from './text.ts';
import { CLICHES, GENERIC_WORDS, HYPE, TITLE_NOISE, contentStems } from './words.ts';

export interface Subject {
  readonly title: string;
  readonly keyword: string | null;
}

const topicStems = ({ title, keyword }: Subject): string[] => [
  ...new Set(contentStems(wordsOf(`${title} ${keyword ?? ''}`).filter((word) => !TITLE_NOISE.has(word)))),
];

const isSame = (a: string, b: string): boolean =>
  a === b || (a.length >= 5 && b.length >= 5 && a.slice(0, 5) === b.slice(0, 5));

const mentions = (stems: readonly string[], topic: readonly string[]): number =>
  stems.filter((stem) => topic.some((one) => isSame(one, stem))).length;

/** How much of the title and the keyword the text takes up, and whether it does so to the end. */
export const measureTopic = (text: Text, subject: Subject): Finding => {
  const topic = topicStems(subject);
  const stems = contentStems(text.words);
  const taken = topic.filter((one) => stems.some((stem) => isSame(one, stem))).length;
  const third = Math.ceil(stems.length / 3);
  const thirds = [0, 1, 2].map((n) => mentions(stems.slice(n * third, (n + 1) * third), topic));
  const kept = thirds.filter((count) => count > 0).length;
  const value = topic.length === 0 ? 1 : taken / topic.length;
  const score = topic.length === 0 ? 100 : Math.min(ramp(value, 0.05, 0.4), [0, 45, 88, 100][kept] ?? 100);
  const notes = [
    overall(
      kept === 0 || value < 0.3
        ? `Write about the topic: the text hardly mentions "${subject.keyword ?? subject.title}".`
        : 'Stay with the topic to the end: parts of the text have left it.',
    ),
  ];
  return finding('topic', 55, { score, value, notes });
};

const countPhrase = (words: readonly string[], phrase: readonly string[]): number => {
  let count = 0;
  for (let i = 0; i + phrase.length <= words.length; i++)
    if (phrase.every((word, k) => (words[i + k] ?? '').startsWith(word))) count++;
  return count;
};

/** Uses of the keyword: none is bad, and so is one in every other sentence. The value is its share of all words. */
export const measureKeyword = (
  text: Text,
  { title, keyword }: { title: string; keyword: string },
): Finding => {
  const phrase = wordsOf(keyword);
  const words = [...text.words, ...text.sections.flatMap(({ heading }) => wordsOf(heading))];
  const uses = phrase.length === 0 ? 0 : countPhrase(words, phrase);
  const value = share(uses * phrase.length, words.length);
  const present = phrase.filter((word) => words.some((other) => other.startsWith(word.slice(0, 5)))).length;
  const inTitle = countPhrase(wordsOf(title), phrase) > 0;
  const found = uses > 0 ? 100 : Math.max(inTitle ? 75 : 0, 60 * share(present, phrase.length));
  const stuffed = uses < 4 ? 100 : ramp(value, 0.1, phrase.length > 1 ? 0.05 : 0.04);
  const note =
    uses === 0
      ? `Use the keyword "${keyword}" at least once in the text.`
      : `Use the keyword "${keyword}" less often: it stands here ${uses} times.`;
  return finding('keyword', stuffed < found ? 45 : 20, {
    score: Math.min(found, stuffed),
    value,
    notes: [overall(note)],
  });
};

const normal = (text: string): string =>
  ` ${text
    .toLowerCase()
    .replace(/[’‘]/g, "'")
    .replace(/[^\p{L}\p{N}'-]+/gu, ' ')
    .trim()} `;

const occurrences = (text: string, phrases: readonly string[]): string[] =>
  phrases.flatMap((phrase) => Array.from({ length: text.split(` ${phrase} `).length - 1 }, () => phrase));

const readable = (text: Text): string =>
  normal(
    text.blocks
      .filter(({ kind }) => kind !== 'code')
      .map(({ plain }) => plain)
      .join(' \n '),
  );

/** Stock phrases per 100 words. */
export const measureCliches = (text: Text): Finding => {
  const found = occurrences(readable(text), CLICHES);
  const value = share(found.length * 100, text.words.length);
  const named = [...new Set(found)]
    .slice(0, 3)
    .map((phrase) => `"${phrase}"`)
    .join(', ');
  return finding('cliches', 40, {
    score: ramp(value, 2.4, 0.5),
    value,
    notes: [overall(`Replace stock phrases with something concrete: ${named}.`)],
  });
};

/** Sales talk per 100 words. */
export const measureHype = (text: Text): Finding => {
  const found = occurrences(readable(text), HYPE);
  const value = share(found.length * 100, text.words.length);
  const named = [...new Set(found)]
    .slice(0, 3)
    .map((phrase) => `"${phrase}"`)
    .join(', ');
  return finding('hype', 35, {
    score: ramp(value, 1.5, 0.3),
    value,
    notes: [overall(`Inform, do not sell: ${named}.`)],
  });
};

/** The share of words that would fit every topic. */
export const measureGeneric = (text: Text): Finding => {
  const generic = text.words.filter((word) => GENERIC_WORDS.has(word)).length;
  const value = share(generic, text.words.length);
  const notes = [overall('Be specific: give names, numbers, examples or steps in place of general remarks.')];
  return finding('generic', 50, { score: ramp(value, 0.13, 0.055), value, notes });
};

/** Digits, names and other particulars per 100 words: what padding lacks. */
export const measureParticulars = (text: Text): Finding => {
  let count = 0;
  for (const { text: said } of text.sentences) {
    count += said.match(/\d[\d.,:]*/g)?.length ?? 0;
    count += said.match(/(?<=[\p{Ll},;] )\p{Lu}\p{Ll}+/gu)?.length ?? 0;
  }
  const code = text.blocks.filter(({ kind }) => kind === 'code' || kind === 'table').length;
  const value = share((count + 5 * code) * 100, text.words.length);
  const notes = [overall('Add particulars: numbers, names, places, dates.')];
  return finding('particulars', 10, { score: ramp(value, 0, 0.8), value, notes });
};

const MIN_SECTION_WORDS = 25;

/** The share of headings of which the text below takes up at least one word. */
export const measureHeadings = (text: Text, subject: Subject): Finding => {
  const topic = topicStems(subject);
  const judged = text.sections.flatMap(({ heading, words }, section) => {
    const stems = contentStems(wordsOf(heading)).filter((one) => !topic.some((other) => isSame(one, other)));
    if (stems.length === 0 || words.length < MIN_SECTION_WORDS) return [];
    const own = contentStems(words);
    return [{ section, fits: stems.some((one) => own.some((other) => isSame(one, other))) }];
  });
  const fitting = judged.filter(({ fits }) => fits).length;
  const value = judged.length < 3 ? 1 : share(fitting, judged.length);
  const notes: Note[] = judged
    .filter(({ fits }) => !fits)
    .map(({ section }) => ({ text: 'Make this heading and its text fit each other.', section }));
  return finding('headings', 12, { score: ramp(value, 0, 0.25), value, notes });
};
