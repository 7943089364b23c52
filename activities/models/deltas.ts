import { workerPrincipal } from '../../domain/identity/principal.ts';
import { sql, type Store } from '../../store/store.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';

const BATCH_MS = 80;

/**
 * Collects the pieces of a text that is being written and stores them in small batches for those who watch. They are a
 * courtesy: a batch that can't be stored is dropped, and the viewer sees the gap when the whole text arrives.
 */
export const openDeltas = (store: Store, input: RunInput, step: string) => {
  let waiting = '';
  let part = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<unknown> = Promise.resolve();

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === '') return;
    const text = waiting;
    waiting = '';
    const number = part++;
    writing = writing
      .then(() =>
        store.write(workerPrincipal(input.workspace_id), async (tx) => {
          tx.send(sql`set local synchronous_commit = off`);
          tx.send(
            sql`insert into deltas (workspace_id, run_id, step, attempt, part, text)
                values (${input.workspace_id}, ${input.run_id}, ${step}, ${input.attempt}, ${number}, ${text})`,
          );
          tx.send(sql`select pg_notify('taskloom_deltas', ${input.run_id})`);
        }),
      )
      .catch(() => {});
  };

  return {
    push: (text: string): void => {
      waiting += text;
      timer ??= setTimeout(flush, BATCH_MS);
    },
    /** Waits until what was collected is stored or dropped. */
    close: async (): Promise<void> => {
      clearTimeout(timer);
      await writing;
    },
  };
};
