import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';
import { wakeThoseWaiting } from './gate.ts';
import { THIS_MONTH, type BudgetRow } from './reservations.ts';

const COLUMNS = sql`b.id, b.scope, b.limit_micros as "limit", b.spent_micros as spent, b.reserved_micros as reserved`;

/** Gives a run its own budget, in micro-dollars. */
export const limitRun = (tx: Writer, runId: string, limit: number): void =>
  tx.send(
    sql`insert into budgets (workspace_id, scope, run_id, limit_micros) values (${tx.principal.workspaceId}, 'run', ${runId}, ${limit})`,
  );

/** A run's own budget; `undefined` when it has none. */
export const budgetOfRun = (db: Reader, runId: string): Promise<BudgetRow | undefined> =>
  db.maybe<BudgetRow>(sql`select ${COLUMNS} from budgets b where b.run_id = ${runId}`);

/** What a workspace may spend in a month, and has in this one. */
export interface MonthRow {
  /** `YYYY-MM`, UTC. */
  readonly month: string;
  /** Micro-dollars; null: no limit. */
  readonly limit: number | null;
  readonly spent: number;
  readonly reserved: number;
}

/**
 * The budget of this month. Without a limit the ledger says what was spent: then nothing is reserved.
 */
export const readMonth = (db: Reader): Promise<MonthRow> =>
  db.one<MonthRow>(
    sql`with month as (select ${THIS_MONTH} as day)
        select to_char(month.day, 'YYYY-MM') as month, coalesce(b.limit_micros, w.monthly_micros) as "limit",
               coalesce(b.spent_micros, (select coalesce(sum(cost_micros), 0)::bigint from usage_ledger
                                          where at >= month.day::timestamp at time zone 'UTC')) as spent,
               coalesce(b.reserved_micros, 0) as reserved
          from month left join budgets b on b.scope = 'month' and b.month = month.day
          left join workspace_limits w on true`,
  );

/**
 * Sets what the workspace may spend in a month, this one included, and wakes the runs that wait for it. What was spent
 * this month before there was a limit counts.
 * @param limit micro-dollars; null takes the limit away.
 */
export const setMonthlyLimit = async (tx: Writer, limit: number | null): Promise<void> => {
  const { workspaceId, userId } = tx.principal;
  const before = await readMonth(tx);
  tx.send(
    sql`insert into workspace_limits (workspace_id, monthly_micros, set_by) values (${workspaceId}, ${limit}, ${userId})
        on conflict (workspace_id) do update set monthly_micros = excluded.monthly_micros, set_by = excluded.set_by, updated_at = now()`,
  );
  tx.audit('budget.set', 'workspace', workspaceId, { from_micros: before.limit, to_micros: limit });
  const month = await tx.maybe<{ id: string }>(
    limit === null
      ? sql`delete from budgets where scope = 'month' and month = ${THIS_MONTH} returning id`
      : sql`insert into budgets (workspace_id, scope, month, limit_micros, spent_micros)
            values (${workspaceId}, 'month', ${THIS_MONTH}, ${limit}, ${before.spent})
            on conflict (workspace_id, month) do update set limit_micros = excluded.limit_micros, updated_at = now() returning id`,
  );
  if (month) await wakeThoseWaiting(tx, month.id);
};
