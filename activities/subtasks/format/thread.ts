/** The thread that formats one text: some texts take a parser minutes, and this can be ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { formatText, type FormatWish } from './format.ts';

// eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(formatText(workerData as FormatWish));
