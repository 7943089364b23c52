import { MAX_PASSAGE_CHARS, plainLine, shortened } from './source.ts';

const STOP_WORDS = new Set(
  (
    'a about after all also an and any are as at be been best before but by can do does for from get guide had has have ' +
    'how if in into is it its make more most my no not of on one or our so some such than that the their them then there ' +
    'these they this those tips to up use using was way ways we were what when where which who why will with without you your'
  ).split(' '),
);
const MIN_WORDS = 6;
const MAX_TEXT_CHARS = 400_000;

/** The words that carry the meaning of a topic, in lower case, each once; words of every script. */
export const topicWords = (...texts: readonly (string | null)[]): string[] => {
  const words = [...new Intl.Segmenter('en', { granularity: 'word' }).segment(texts.join(' ').toLowerCase())]
    .filter(({ isWordLike, segment }) => isWordLike === true && !STOP_WORDS.has(segment))
    .map(({ segment }) => segment);
  return [...new Set(words)];
};

const WORD = '[\\p{L}\\p{N}]';

/** Finds a word and its forms: "repotting" and "pots" are to meet "repot" and "pot"; scripts without spaces have no borders. */
const finderOf = (word: string): RegExp => {
  const stem = /^[a-z]{4,}$/.test(word) ? word.replace(/(?:ting|ing|e?s|ed|e)$/, '').slice(0, 7) : word;
  const found = stem.length < 3 ? word : stem;
  const pattern = found.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  if (!/^[a-z\d]/.test(found)) return new RegExp(pattern, 'u');
  return new RegExp(`(?<!${WORD})${pattern}${found.length < 4 ? `(?:s|es)?(?!${WORD})` : ''}`, 'u');
};

const isProse = (text: string): boolean =>
  (text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0) >= MIN_WORDS || /\p{Lo}{15}/u.test(text);

const SENTENCE_END = /[.!?…]["”’»)\]]{0,2}(?=\s)|[\u3002\uff01\uff1f]/g;

/** A paragraph in pieces of at most 600 characters, of whole sentences where they fit. */
const piecesOf = (paragraph: string): string[] => {
  const ends = [...paragraph.matchAll(SENTENCE_END)].map((match) => match.index + match[0].length);
  const pieces: string[] = [];
  let [start, sentence] = [0, 0];
  for (const end of [...ends, paragraph.length]) {
    if (end - start > MAX_PASSAGE_CHARS && sentence > start) {
      pieces.push(paragraph.slice(start, sentence));
      start = sentence;
    }
    while (end - start > MAX_PASSAGE_CHARS) {
      const head = shortened(paragraph.slice(start, end), MAX_PASSAGE_CHARS);
      pieces.push(head);
      start += head.length;
    }
    sentence = end;
  }
  return [...pieces, paragraph.slice(start)].map((piece) => piece.trim());
};

/** How many of the words a text holds. */
const scoreOf = (text: string, finders: readonly RegExp[]): number => {
  const lower = text.toLowerCase();
  return finders.filter((finder) => finder.test(lower)).length;
};

/**
 * The passages of a text that share most words with a topic, in the order in which they stand there. Each is word for word
 * in the text, white space aside.
 * @param text paragraphs on lines of their own
 * @param words from {@link topicWords}
 * @returns none when no passage shares a word
 */
export const choosePassages = (text: string, words: readonly string[], max: number): string[] => {
  const finders = words.map(finderOf);
  const pieces = text
    .slice(0, MAX_TEXT_CHARS)
    .split(/\n+/)
    .map(plainLine)
    .filter(isProse)
    .flatMap(piecesOf)
    .filter(isProse);
  const scored = [...new Set(pieces)].map((piece, at) => ({ piece, at, score: scoreOf(piece, finders) }));
  const best = scored
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score || a.at - b.at)
    .slice(0, max);
  return best.toSorted((a, b) => a.at - b.at).map(({ piece }) => piece);
};

/** The parts of a search engine's snippet between its ellipses that say something: each stands in the page as it is. */
export const snippetPassages = (snippets: readonly string[], max: number): string[] => {
  const parts = snippets
    .flatMap((snippet) => plainLine(snippet).split(/\s*(?:\[?\.{3,}\]?|\[?…\]?)\s*/))
    .filter(isProse)
    .map((part) => shortened(part, MAX_PASSAGE_CHARS));
  return [...new Set(parts)].slice(0, max);
};
