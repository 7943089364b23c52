import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { oneLine, type Card } from '../../domain/media/card.ts';
import type { CardAnswer, CardOrder } from './card/thread.ts';

const THREAD = fileURLToPath(new URL('./card/thread.ts', import.meta.url));
/** The thread holds a few dozen megabytes of fonts and layout code: it goes when nobody has asked for a while. */
const IDLE_MS = 30_000;
/** Nothing that a title holds was seen to take a tenth of this. */
const PATIENCE_MS = 30_000;
/** Far more than fits a card; the rest would only cost time. */
const MAX_TITLE = 400;
const MAX_LABEL = 80;

export interface TitleCards {
  /**
   * Draws a card; the same card gives the same bytes.
   * @returns a PNG of the shape's size
   * @throws the signal's reason when it is aborted, Error when the card can't be drawn
   */
  render(card: Card, signal?: AbortSignal): Promise<Uint8Array>;
  /** Ends the thread; cards that are being drawn fail. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (png: Uint8Array) => void;
  readonly reject: (reason: unknown) => void;
}

const shorten = (card: Card): Card => ({
  ...card,
  title: oneLine(card.title).slice(0, MAX_TITLE).toWellFormed(),
  category: card.category === null ? null : oneLine(card.category).slice(0, MAX_LABEL).toWellFormed(),
  siteName: oneLine(card.siteName).slice(0, MAX_LABEL).toWellFormed(),
});

/** One thread at a time, started by an order and ended when there are none for a while. */
class CardThread {
  readonly #idleMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last = 0;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** @returns the number of the order, to withdraw it, and what will come of it. */
  order(card: Card): { id: number; drawn: Promise<Uint8Array> } {
    clearTimeout(this.#idle);
    const thread = (this.#thread ??= this.#start());
    // Only an order keeps the process alive: an idle thread must not.
    thread.ref();
    const id = ++this.#last;
    const drawn = new Promise<Uint8Array>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    thread.postMessage({ id, card } satisfies CardOrder);
    return { id, drawn };
  }

  withdraw(id: number, reason: unknown): void {
    this.#waiting.get(id)?.reject(reason);
    this.#waiting.delete(id);
    this.#rest();
  }

  async stop(reason: string): Promise<void> {
    const ended = this.#thread;
    this.#thread = undefined;
    clearTimeout(this.#idle);
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
    this.#waiting.clear();
    await ended?.terminate();
  }

  #start(): Worker {
    // None of the process's flags and secrets: it draws, and nothing else.
    const started = new Worker(THREAD, { execArgv: [], env: {} });
    started.on('message', (answer: CardAnswer) => this.#take(answer));
    started.on('error', (error) => {
      if (this.#thread === started)
        void this.stop(`The thread that draws title cards failed: ${error.message}`);
    });
    return started;
  }

  #take(answer: CardAnswer): void {
    const order = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('png' in answer) order?.resolve(answer.png);
    else order?.reject(new Error(`A title card could not be drawn: ${answer.failure}`));
    this.#rest();
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.#thread?.unref();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.stop('the thread was idle'), this.#idleMs).unref();
  }
}

/** Draws title cards beside the event loop: the first one of a while takes half a second, the others a tenth. */
export const openTitleCards = (options: { idleMs?: number } = {}): TitleCards => {
  const thread = new CardThread(options.idleMs ?? IDLE_MS);
  return {
    render: async (card, signal) => {
      signal?.throwIfAborted();
      const { id, drawn } = thread.order(shorten(card));
      const onAbort = (): void => thread.withdraw(id, signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const late = setTimeout(
        () => void thread.stop(`A title card was not drawn within ${PATIENCE_MS / 1000} seconds`),
        PATIENCE_MS,
      );
      try {
        return await drawn;
      } finally {
        clearTimeout(late);
        signal?.removeEventListener('abort', onAbort);
      }
    },
    close: () => thread.stop('Title cards are closed'),
  };
};
