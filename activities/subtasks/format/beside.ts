import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ApplicationFailure } from '@temporalio/common';
import type { FormatWish } from './format.ts';

const THREAD = fileURLToPath(new URL('./thread.ts', import.meta.url));
/** A long article takes a tenth of a second. */
const PATIENCE_MS = 10_000;

const tooComplex = (patienceMs: number): ApplicationFailure =>
  ApplicationFailure.nonRetryable(
    `The content could not be read within ${patienceMs / 1000} seconds: its marks nest or repeat too much.`,
    'content_too_complex',
  );

/**
 * Formats a text beside the event loop.
 * @throws ApplicationFailure `content_too_complex` when it takes too long; the signal's reason when it is aborted
 */
export const formatBeside = async (
  wish: FormatWish,
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<string> => {
  signal.throwIfAborted();
  // None of the process's flags and secrets: it computes, and nothing else.
  const thread = new Worker(THREAD, { execArgv: [], env: {}, workerData: wish });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  thread.once('message', resolve);
  thread.once('error', reject);
  thread.once('exit', () => reject(new Error('The thread that formats a text ended without an answer')));
  const late = setTimeout(() => reject(tooComplex(patienceMs)), patienceMs);
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', onAbort);
    await thread.terminate();
  }
};
