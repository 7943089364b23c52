import { workerPrincipal } from '../../domain/identity/principal.ts';
import type { Sql } from '../../store/sql.ts';
import { sql, type Store, type Writer } from '../../store/store.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';

const BATCH_MS = 80;

/**
 * Collects the pieces of a text that is being written and stores them in small batches for those who watch. They are a
 * courtesy: a batch that can't be stored is dropped, and the viewer is told of the gap.
 */
export const openDeltas = (store: Store, input: RunInput, step: string) => {
  let waiting = '';
  let part = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<unknown> = Promise.resolve();

  /** What has gathered, as the next part; `null` when nothing has. */
  const take = (): Sql | null => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === '') return null;
    const text = waiting;
    waiting = '';
    return sql`insert into deltas (workspace_id, run_id, step, attempt, part, text)
               values (${input.workspace_id}, ${input.run_id}, ${step}, ${input.attempt}, ${part++}, ${text})`;
  };

  const flush = (): void => {
    const batch = take();
    if (batch === null) return;
    writing = writing
      .then(() =>
        store.write(workerPrincipal(input.workspace_id), async (tx) => {
          tx.send(sql`set local synchronous_commit = off`);
          tx.send(batch);
          tx.send(sql`select pg_notify('taskloom_deltas', ${input.run_id})`);
        }),
      )
      .catch(() => {});
  };

  return {
    /** @param text without what the database would refuse. */
    push: (text: string): void => {
      waiting += text;
      timer ??= setTimeout(flush, BATCH_MS);
    },
    /**
     * Waits until what was collected is stored or dropped. @returns what stores the rest in the transaction that closes the
     * step: so it is there before anybody learns that the text has ended, and costs no transaction of its own.
     */
    end: async (): Promise<(tx: Writer) => void> => {
      const rest = take();
      await writing;
      return (tx) => void (rest && tx.send(rest));
    },
  };
};
