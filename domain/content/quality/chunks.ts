import { parseText } from './text.ts';

const CHUNK_WORDS = 100;
/** More say nothing new about a text, and each takes the embedding model 60 ms. */
const MAX_CHUNKS = 8;

/**
 * The pieces of an article that are embedded: its sentences without headings, tables and code, some 100 words at a time;
 * of a long text eight pieces, evenly spread from the first to the last. Empty for a text without a sentence.
 */
export const chunksOf = (markdown: string): string[] => {
  const chunks: string[] = [];
  let open: string[] = [];
  let words = 0;
  for (const sentence of parseText(markdown).sentences) {
    open.push(sentence.text);
    words += sentence.words.length;
    if (words < CHUNK_WORDS) continue;
    chunks.push(open.join(' '));
    open = [];
    words = 0;
  }
  const last = chunks.length - 1;
  // A short rest belongs to what it ends: a few words alone are like nothing.
  if (open.length > 0 && (last < 0 || words > CHUNK_WORDS / 3)) chunks.push(open.join(' '));
  else if (open.length > 0) chunks[last] = `${chunks[last]} ${open.join(' ')}`;
  if (chunks.length <= MAX_CHUNKS) return chunks;
  const step = (chunks.length - 1) / (MAX_CHUNKS - 1);
  return Array.from({ length: MAX_CHUNKS }, (_, n) => chunks[Math.round(n * step)] ?? '');
};

/** Cosine of two vectors of the same length, -1 to 1; 0 where one of them is zero. */
export const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let dot = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    dot += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA === 0 || squareB === 0 ? 0 : dot / Math.sqrt(squareA * squareB);
};
