import type { Period } from '../../domain/runs/history.ts';
import { sql, type Sql } from '../sql.ts';
import type { Reader } from '../store.ts';
import { stepNameIn } from './history.queries.ts';

const within = (column: Sql, { since, until }: Period): Sql =>
  sql`${column} >= ${since} and ${column} < ${until}`;

/** Milliseconds between two columns; a float, because the database's exact numbers are slow to add up. */
const millisecondsOf = (from: Sql, to: Sql): Sql => sql`date_part('epoch', ${to} - ${from}) * 1000`;
const RUN_MS = millisecondsOf(sql`r.started_at`, sql`r.finished_at`);
const STEP_MS = millisecondsOf(sql`s.started_at`, sql`s.finished_at`);
const STEP_NAME = stepNameIn(sql`s.path`);

/** How the runs went that ended in a period. */
export interface ExecutionFigures {
  /** `null`: all of them together. */
  readonly workflow_name: string | null;
  readonly executions: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** `null` when none of them had begun. */
  readonly avg_ms: number | null;
}

/** The figures of all runs that ended in the period, and by workflow; those that never began have no duration. */
export const readExecutionFigures = (db: Reader, period: Period): Promise<ExecutionFigures[]> =>
  db.many<ExecutionFigures>(
    sql`select r.workflow_name, count(*) as executions, count(*) filter (where r.status = 'completed') as completed,
               count(*) filter (where r.status = 'failed') as failed,
               count(*) filter (where r.status = 'cancelled') as cancelled, avg(${RUN_MS}) as avg_ms
          from runs r where ${within(sql`r.finished_at`, period)}
         group by grouping sets ((), (r.workflow_name)) order by executions desc, r.workflow_name`,
  );

/** Percentiles have to sort what they are of, so they are asked for once and not for each name. */
export const readExecutionPercentiles = (
  db: Reader,
  period: Period,
): Promise<{ median_ms: number | null; p95_ms: number | null }> =>
  db.one<{ median_ms: number | null; p95_ms: number | null }>(
    sql`select percentile_cont(0.5) within group (order by ${RUN_MS}) as median_ms,
               percentile_cont(0.95) within group (order by ${RUN_MS}) as p95_ms
          from runs r where ${within(sql`r.finished_at`, period)}`,
  );

/** How long the steps took that were finished in a period, in milliseconds; `null` when there were none. */
export interface StepFigures {
  /** `null`: all of them together. */
  readonly step_name: string | null;
  readonly steps: number;
  readonly busy_ms: number | null;
  readonly avg_ms: number | null;
  readonly peak_ms: number | null;
}

/** The figures of all steps that were finished in the period, and by name: the head of a step's path. */
export const readStepFigures = (db: Reader, period: Period): Promise<StepFigures[]> =>
  db.many<StepFigures>(
    sql`select ${STEP_NAME} as step_name, count(*) as steps, sum(${STEP_MS}) as busy_ms, avg(${STEP_MS}) as avg_ms,
               max(${STEP_MS}) as peak_ms
          from run_steps s where ${within(sql`s.finished_at`, period)}
         group by grouping sets ((), (1)) order by busy_ms desc nulls last, step_name`,
  );

/** What lies beyond the sums: the steps' 95th percentile, how many runs ended, how long gates were open that were closed. */
export interface Flow {
  readonly p95_ms: number | null;
  readonly ended: number;
  readonly waiting_ms: number;
}

export const readFlow = (db: Reader, period: Period): Promise<Flow> =>
  db.one<Flow>(
    sql`select (select percentile_cont(0.95) within group (order by ${STEP_MS}) from run_steps s
                 where ${within(sql`s.finished_at`, period)}) as p95_ms,
               (select count(*) from runs r where ${within(sql`r.finished_at`, period)}) as ended,
               (select coalesce(sum(${millisecondsOf(sql`a.created_at`, sql`a.decided_at`)}), 0)
                  from approvals a where ${within(sql`a.decided_at`, period)}) as waiting_ms`,
  );
