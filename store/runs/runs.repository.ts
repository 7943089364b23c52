import { notFound } from '../../domain/errors.ts';
import { newestFirst, type Listing } from '../page.ts';
import { sql, type Sql } from '../sql.ts';
import type { Reader } from '../store.ts';
import { RUN_COLUMNS, type RunRow, type StepRow } from './run.rows.ts';

export interface RunFilter {
  readonly kind?: string | undefined;
  readonly status?: string | undefined;
  readonly subject?: string | undefined;
  readonly owner?: string | undefined;
  readonly createdAfter?: string | undefined;
  readonly createdBefore?: string | undefined;
}

const conditions = (filter: RunFilter): Sql[] => [
  ...(filter.kind === undefined ? [] : [sql`r.kind = ${filter.kind}`]),
  ...(filter.status === undefined ? [] : [sql`r.status = ${filter.status}`]),
  ...(filter.subject === undefined ? [] : [sql`r.subject_id = ${filter.subject}`]),
  ...(filter.owner === undefined ? [] : [sql`r.owner_id = ${filter.owner}`]),
  ...(filter.createdAfter === undefined ? [] : [sql`r.created_at > ${filter.createdAfter}`]),
  ...(filter.createdBefore === undefined ? [] : [sql`r.created_at < ${filter.createdBefore}`]),
];

/** Runs, newest first. By kind and status the total comes from counters; other filters count. */
export const runListing = (filter: RunFilter): Listing => {
  const { kind, status, subject, owner, createdAfter, createdBefore } = filter;
  const others = [subject, owner, createdAfter, createdBefore];
  const counters = { kind: `run/${kind ?? ''}`, statuses: status === undefined ? null : [status] };
  return {
    columns: RUN_COLUMNS,
    from: sql`runs r`,
    where: conditions(filter),
    order: newestFirst('r'),
    ...(others.every((value) => value === undefined) ? { counters } : {}),
  };
};

/** Ended runs, newest first. */
export const endedRunListing = (): Listing => ({
  columns: RUN_COLUMNS,
  from: sql`runs r`,
  where: [sql`r.finished_at is not null`],
  order: [
    { column: sql`r.finished_at`, type: 'timestamptz', descending: true },
    { column: sql`r.id`, type: 'uuid', descending: true },
  ],
  counters: { kind: 'run/', statuses: ['completed', 'failed', 'cancelled'] },
});

/** How many runs are in each status, of one kind or of all. */
export const countRunsByStatus = async (db: Reader, kind?: string): Promise<Record<string, number>> => {
  const rows = await db.many<{ status: string; n: number }>(
    sql`select status, sum(n)::bigint as n from counters
         where starts_with(kind, 'run/') and (${kind ?? null}::text is null or kind = 'run/' || ${kind ?? null})
         group by status having sum(n) > 0 order by status`,
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
};

/** @throws DomainError not_found. */
export const requireRun = async (db: Reader, id: string): Promise<RunRow> => {
  const run = await db.maybe<RunRow>(sql`select ${RUN_COLUMNS} from runs r where r.id = ${id}`);
  if (!run) throw notFound('run', id);
  return run;
};

/** The newest run about something. */
export const newestRunOf = (
  db: Reader,
  subjectType: string,
  subjectId: string,
): Promise<RunRow | undefined> =>
  db.maybe<RunRow>(
    sql`select ${RUN_COLUMNS} from runs r where r.subject_type = ${subjectType} and r.subject_id = ${subjectId}
         order by r.created_at desc limit 1`,
  );

export const listSteps = (db: Reader, runId: string): Promise<StepRow[]> =>
  db.many<StepRow>(
    sql`select path, digest, attempt, status, error, calls, in_doubt, tokens_in, tokens_out, cost_micros, started_at, finished_at
          from run_steps where run_id = ${runId} order by started_at, path`,
  );
