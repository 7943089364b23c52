import { ApplicationFailure } from '@temporalio/common';
import { chunksOf, cosine } from '../../../domain/content/quality/chunks.ts';
import type { Embedder } from '../../models/providers/embeddings.ts';

export type ArticleEmbedding =
  | {
      readonly state: 'ready';
      /** The mean of the pieces' vectors, of length 1: what near-duplicates are found by. */
      readonly vector: Float32Array;
      /** How near each piece is to the title, by cosine, in order: what drifting off the topic is seen by. */
      readonly about: readonly number[];
    }
  | { readonly state: 'unavailable'; readonly reason: string };

const meanOf = (vectors: readonly Float32Array[]): Float32Array => {
  const mean = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors)
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? 0) + (vector[i] ?? 0);
  const length = Math.hypot(...mean);
  return length === 0 ? mean : mean.map((value) => value / length);
};

/**
 * Embeds an article: its title, and its text in pieces of 100 words.
 * @returns `unavailable` with the reason where there is no embedding model or nothing to embed: judge without it then
 * @throws what the signal was aborted with
 */
export const embedArticle = async (
  embedder: Embedder,
  { title, body }: { title: string; body: string },
  signal: AbortSignal,
): Promise<ArticleEmbedding> => {
  const chunks = chunksOf(body);
  if (chunks.length === 0) return { state: 'unavailable', reason: 'The text has no sentence to compare.' };
  try {
    const [head = new Float32Array(), ...pieces] = await embedder.embed([title, ...chunks], signal);
    return { state: 'ready', vector: meanOf(pieces), about: pieces.map((piece) => cosine(head, piece)) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApplicationFailure) return { state: 'unavailable', reason: error.message };
    throw error;
  }
};
