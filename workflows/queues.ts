/**
 * `control`: every workflow and its short database activities. `model`: calls of language models. `webhooks`:
 * requests to receivers, which may be slow.
 * A deployment may prefix all of them (tests share one Temporal server that way).
 */
export const QUEUES = ['control', 'model', 'webhooks'] as const;
export type Queue = (typeof QUEUES)[number];

/** How many tasks of a queue one process does at once: model calls wait for others, database work shares two cores. */
export const CONCURRENCY: Readonly<Record<Queue, number>> = { control: 40, model: 24, webhooks: 32 };

/** The queue of another kind beside the one a workflow runs on, with the same prefix. */
export const siblingQueue = (controlQueue: string, queue: Queue): string =>
  controlQueue.replace(/control$/, queue);
