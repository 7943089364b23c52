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
  message: 'The run ended while its worker was gone: nobody knows what became of this step.',
};

/**
 * Ends what a dead worker has left of a run that has ended, whose lock this transaction holds: steps under way have failed,
 * their calls are in doubt, and what was reserved for them counts as spent.
 */
export const closeLeftovers = async (tx: Writer, run: RunRow): Promise<void> => {
  if (run.finished_at === null) return;
  const left = await tx.many<{ path: string; attempt: number }>(
    sql`with ended as (
          update run_steps set status = 'failed', error = ${JSON.stringify(INTERRUPTED)}, finished_at = now(),
                 in_doubt = in_doubt + (asked is not null)::integer
           where run_id = ${run.id} and status = 'started' returning path, attempt, asked),
        calls as (select * from ended where asked is not null),
        booked as (
          insert into usage_ledger (workspace_id, run_id, step_path, attempt, provider, model, in_doubt)
          select ${run.workspace_id}, ${run.id}, path, attempt, split_part(asked, ':', 1), substr(asked, strpos(asked, ':') + 1), true
            from calls),
        counted as (update runs set in_doubt = in_doubt + (select count(*) from calls) where id = ${run.id})
        select path, attempt from ended`,
  );
  for (const { path, attempt } of left)
    tx.emit(runStream(run.id), 'step.failed', { step: path, attempt, error: INTERRUPTED });
  doubtOpenReservations(tx, { runId: run.id });
};
