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
  resolve(png: Uint8Array): void;
  reject(reason: unknown): void;
}

const shorten = (card: Card): Card => ({
  ...card,
  title: oneLine(card.title).slice(0, MAX_TITLE).toWellFormed(),
  category: card.category === null ? null : oneLine(card.category).slice(0, MAX_LABEL).toWellFormed(),
  siteName: oneLine(card.siteName).slice(0, MAX_LABEL).toWellFormed(),
});

/** Draws title cards in a thread that is started by the first card and ends when it is idle. */
export const openTitleCards = (options: { idleMs?: number } = {}): TitleCards => {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last = 0;

  const stop = async (reason: string): Promise<void> => {
    const ended = thread;
    thread = undefined;
    clearTimeout(idle);
    for (const { reject } of waiting.values()) reject(new Error(reason));
    waiting.clear();
    await ended?.terminate();
  };

  const rest = (): void => {
    if (waiting.size > 0) return;
    thread?.unref();
    idle = setTimeout(() => void stop('the thread was idle'), options.idleMs ?? IDLE_MS).unref();
  };

  const start = (): Worker => {
    // None of the process's flags and secrets: it draws, and nothing else.
    const started = new Worker(THREAD, { execArgv: [], env: {} });
    started.on('message', (answer: CardAnswer) => {
      const call = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('png' in answer) call?.resolve(answer.png);
      else call?.reject(new Error(`A title card could not be drawn: ${answer.failure}`));
      rest();
    });
    started.on('error', (error) => {
      if (thread === started) void stop(`The thread that draws title cards failed: ${error.message}`);
    });
    return started;
  };

  return {
    render: (card, signal) => {
      signal?.throwIfAborted();
      clearTimeout(idle);
      thread ??= start();
      thread.ref();
      const id = ++last;
      const drawn = new Promise<Uint8Array>((resolve, reject) => waiting.set(id, { resolve, reject }));
      const giveUp = (reason: unknown): void => {
        waiting.get(id)?.reject(reason);
        waiting.delete(id);
        rest();
      };
      const onAbort = (): void => giveUp(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const late = setTimeout(
        () => void stop(`A title card was not drawn within ${PATIENCE_MS / 1000} seconds`),
        PATIENCE_MS,
      );
      thread.postMessage({ id, card: shorten(card) } satisfies CardOrder);
      return drawn.finally(() => {
        clearTimeout(late);
        signal?.removeEventListener('abort', onAbort);
      });
    },
    close: () => stop('Title cards are closed'),
  };
};
