import type { ApprovalStatus } from '../../domain/approvals/approval.ts';
import { notFound } from '../../domain/errors.ts';
import { endedStatuses } from '../../domain/runs/history.ts';
import { newestFirst, type Listing } from '../page.ts';
import { sql, type Sql } from '../sql.ts';
import type { Reader } from '../store.ts';
import type { RunRow, StepRow } from './run.rows.ts';

/** A run as one execution of its workflow. */
export interface ExecutionRow extends Pick<
  RunRow,
  'id' | 'kind' | 'subject_id' | 'status' | 'attempt' | 'error' | 'started_at' | 'finished_at'
> {
  readonly workflow_name: string;
}

const EXECUTION_COLUMNS = sql`r.id, r.kind, r.workflow_name, r.subject_id, r.status, r.attempt, r.error, r.started_at, r.finished_at`;

export interface HistoryFilter {
  readonly workflowName?: string | undefined;
  readonly status?: 'success' | 'failure' | undefined;
  readonly startedAfter?: Date | undefined;
  readonly startedBefore?: Date | undefined;
}

/** The statuses stand in the statement, not among its parameters: so the index on failures can answer. */
const STATUS_CONDITION = {
  success: sql`r.status = 'completed'`,
  failure: sql`r.status in ('failed','cancelled')`,
} as const;

const conditions = ({ workflowName, status, startedAfter, startedBefore }: HistoryFilter): Sql[] => [
  sql`r.finished_at is not null`,
  ...(workflowName === undefined ? [] : [sql`r.workflow_name = ${workflowName}`]),
  ...(status === undefined ? [] : [STATUS_CONDITION[status]]),
  // What began later has ended later: that bounds the walk through an index by the end.
  ...(startedAfter === undefined
    ? []
    : [sql`r.started_at > ${startedAfter} and r.finished_at > ${startedAfter}`]),
  ...(startedBefore === undefined ? [] : [sql`r.started_at < ${startedBefore}`]),
];

/** Totals are kept by kind and status: they answer where the name is a kind's own and no time is asked for. */
const countersOf = ({ workflowName, status, startedAfter, startedBefore }: HistoryFilter) => {
  const isPartOfKind = workflowName === 'content_creation' || workflowName === 'optimization';
  if (isPartOfKind || startedAfter !== undefined || startedBefore !== undefined) return {};
  return { counters: { kind: `run/${workflowName ?? ''}`, statuses: endedStatuses(status) } };
};

/** Ended runs by their end, newest first. */
export const historyListing = (filter: HistoryFilter): Listing => ({
  columns: EXECUTION_COLUMNS,
  from: sql`runs r`,
  where: conditions(filter),
  order: [
    { column: sql`r.finished_at`, type: 'timestamptz', descending: true },
    { column: sql`r.id`, type: 'uuid', descending: true },
  ],
  ...countersOf(filter),
});

/** What the runs of one workflow are about: a task, the content written for it, or both; or one run that is about itself. */
export interface WorkflowSubject {
  readonly task_id: string | null;
  readonly content_id: string | null;
  readonly run_id: string | null;
}

/** Reads what a workflow's id stands for. @throws DomainError not_found for an id of none of them. */
export const requireWorkflow = async (db: Reader, id: string): Promise<WorkflowSubject> => {
  const found = await db.maybe<WorkflowSubject>(
    sql`select id as task_id, content_id, null::uuid as run_id from tasks where id = ${id}
        union all select task_id, id, null from content_items where id = ${id}
        union all select null, null, id from runs where id = ${id} and subject_id = id limit 1`,
  );
  if (!found) throw notFound('workflow', id);
  return found;
};

/** The runs of a workflow, those under way among them; the one that was asked for last comes first. */
export const workflowListing = ({
  task_id: taskId,
  content_id: contentId,
  run_id: runId,
}: WorkflowSubject): Listing => ({
  columns: EXECUTION_COLUMNS,
  from: sql`runs r`,
  where: [
    sql`((r.subject_type = 'task' and r.subject_id = ${taskId}) or (r.subject_type = 'content' and r.subject_id = ${contentId}) or r.id = ${runId})`,
  ],
  order: newestFirst('r'),
});

/** @throws DomainError not_found. */
export const requireExecution = async (db: Reader, id: string): Promise<ExecutionRow> => {
  const run = await db.maybe<ExecutionRow>(sql`select ${EXECUTION_COLUMNS} from runs r where r.id = ${id}`);
  if (!run) throw notFound('execution', id);
  return run;
};

/** What is done in a step, whichever round or section it is of: `draft.0/2` is a `draft`. */
export const stepNameIn = (path: Sql): Sql => sql`split_part(split_part(${path}, '/', 1), '.', 1)`;

export type StoredStepRow = StepRow & { readonly step_name: string };

/** The steps of a run with what they stored, as they began. */
export const listStoredSteps = (db: Reader, runId: string): Promise<StoredStepRow[]> =>
  db.many<StoredStepRow>(
    sql`select ${stepNameIn(sql`path`)} as step_name, path, digest, attempt, status, result, error, calls, in_doubt,
               tokens_in, tokens_out, cost_micros, started_at, finished_at
          from run_steps where run_id = ${runId} order by started_at, path`,
  );

/** A gate that a run passed or waits at. */
export interface GateRow {
  readonly id: string;
  readonly step_name: string;
  readonly path: string;
  readonly attempt: number;
  readonly revision: number;
  readonly status: ApprovalStatus;
  readonly created_at: Date;
  readonly decided_at: Date | null;
}

/** The gates of a run, as they were opened. */
export const listGates = (db: Reader, runId: string): Promise<GateRow[]> =>
  db.many<GateRow>(
    sql`select id, ${stepNameIn(sql`step_path`)} as step_name, step_path as path, attempt, revision, status, created_at, decided_at
          from approvals where run_id = ${runId} order by created_at, id`,
  );
