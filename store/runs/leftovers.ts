import { runStream } from '../../domain/runs/run.ts';
import { doubtOpenReservations } from '../budgets/reservations.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import type { SystemStore } from '../system.ts';
import type { RunRow } from './run.rows.ts';

export interface EndedRun {
  readonly id: string;
  readonly workspace_id: string;
}

/** Runs that ended so many seconds ago and still have a step under way, or money set aside: their worker died with them. */
export const runsWithLeftovers = (
  system: SystemStore,
  quietSeconds: number,
  limit: number,
): Promise<EndedRun[]> =>
  system.many<EndedRun>(
    sql`select r.id, r.workspace_id from runs r
         where r.id in (select run_id from run_steps where status = 'started'
                        union select run_id from budget_reservations where state = 'open')
           and r.finished_at < now() - make_interval(secs => ${quietSeconds}) limit ${limit}`,
  );

const INTERRUPTED = {
  code: 'interrupted',
  message: 'The worker was gone before this step ended: nobody knows what became of it.',
};

/**
 * Ends steps of a run, whose lock this transaction holds, that a dead worker has left under way: they have failed, and
 * their calls are in doubt.
 */
export const failLostSteps = async (tx: Writer, run: RunRow, path: string | null = null): Promise<void> => {
  const left = await tx.many<{ path: string; attempt: number }>(
    sql`with ended as (
          update run_steps set status = 'failed', error = ${JSON.stringify(INTERRUPTED)}, finished_at = now(),
                 in_doubt = in_doubt + (asked is not null)::integer
           where run_id = ${run.id} and path = coalesce(${path}, path) and status = 'started' returning path, attempt, asked),
        calls as (select * from ended where asked is not null),
        booked as (
          insert into usage_ledger (workspace_id, run_id, step_path, attempt, provider, model, in_doubt)
          select ${run.workspace_id}, ${run.id}, path, attempt, split_part(asked, ':', 1), substr(asked, strpos(asked, ':') + 1), true
            from calls),
        counted as (update runs set in_doubt = in_doubt + (select count(*) from calls) where id = ${run.id})
        select path, attempt from ended`,
  );
  for (const step of left)
    tx.emit(runStream(run.id), 'step.failed', { step: step.path, attempt: step.attempt, error: INTERRUPTED });
};

/** Ends all that a dead worker has left of a run that has ended; what was reserved for its calls counts as spent. */
export const closeLeftovers = async (tx: Writer, run: RunRow): Promise<void> => {
  if (run.finished_at === null) return;
  await failLostSteps(tx, run);
  doubtOpenReservations(tx, { runId: run.id });
};
