import { v7 as uuidv7 } from 'uuid';
import { affords, type Budget } from '../../domain/budgets/budget.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';

/** A budget that applies to a run. */
export interface BudgetRow extends Budget {
  readonly id: string;
}

/** The first day of this month, UTC. */
export const THIS_MONTH = sql`date_trunc('month', now() at time zone 'UTC')::date`;

/** Makes the month's budget of a workspace that has a limit and has not spent anything in it. */
const openMonth = (tx: Writer): void =>
  tx.send(
    sql`insert into budgets (workspace_id, scope, month, limit_micros)
        select workspace_id, 'month', ${THIS_MONTH}, monthly_micros from workspace_limits where monthly_micros is not null
        on conflict (workspace_id, month) do nothing`,
  );

/**
 * Every budget that a call of this run is paid from, under their locks: the run's own first, then the month's, as
 * everywhere. The caller holds the run's lock. None means that nothing limits the run.
 */
export const lockBudgets = (tx: Writer, runId: string): Promise<BudgetRow[]> => {
  openMonth(tx);
  return tx.many<BudgetRow>(
    sql`select id, scope, limit_micros as "limit", spent_micros as spent, reserved_micros as reserved from budgets
         where run_id = ${runId} or (scope = 'month' and month = ${THIS_MONTH})
         order by scope desc for update`,
  );
};

/** Books what a call cost on the month's budget, where that was set while the call was under way. */
export const chargeMonth = (tx: Writer, cost: number): void => {
  if (cost > 0)
    tx.send(
      sql`update budgets set spent_micros = spent_micros + ${cost}::bigint, updated_at = now()
           where scope = 'month' and month = ${THIS_MONTH}`,
    );
};

/** A call that is paid for: to be settled, given back or doubted when it has ended. */
export interface Reservation {
  readonly id: string;
  readonly amount: number;
}

/**
 * Sets aside the most that a call can cost on each of these budgets, whose locks this transaction holds.
 * @returns the budget that has no room for it, or the reservation; `null` when nothing limits the run.
 */
export const reserve = (
  tx: Writer,
  step: { readonly runId: string; readonly path: string },
  budgets: readonly BudgetRow[],
  amount: number,
): { readonly refusedBy: BudgetRow } | { readonly reservation: Reservation | null } => {
  const refusedBy = budgets.find((budget) => !affords(budget, amount));
  if (refusedBy) return { refusedBy };
  if (budgets.length === 0) return { reservation: null };
  const ids = budgets.map(({ id }) => id);
  const reservation = { id: uuidv7(), amount };
  tx.send(
    sql`update budgets set reserved_micros = reserved_micros + ${amount}::bigint, updated_at = now() where id = any(${ids}::uuid[])`,
  );
  tx.send(
    sql`insert into budget_reservations (id, workspace_id, run_id, step_path, budget_ids, amount_micros)
        values (${reservation.id}, ${tx.principal.workspaceId}, ${step.runId}, ${step.path}, ${ids}::uuid[], ${amount})`,
  );
  return { reservation };
};

/**
 * What a dead process had reserved for a step that begins again, or for all steps of a run that has ended: their calls may
 * have been billed, so they count as spent.
 */
export const doubtOpenReservations = (
  tx: Writer,
  of: { readonly runId: string; readonly path?: string },
): void =>
  tx.send(
    sql`with ended as (
          update budget_reservations set state = 'in_doubt', cost_micros = amount_micros, closed_at = now()
           where run_id = ${of.runId} and step_path = coalesce(${of.path ?? null}, step_path) and state = 'open' returning budget_ids, amount_micros),
        sums as (select budget_id, sum(amount_micros)::bigint as amount from ended, unnest(budget_ids) as budget_id group by 1)
        update budgets b set reserved_micros = reserved_micros - sums.amount, spent_micros = spent_micros + sums.amount, updated_at = now()
          from sums where b.id = sums.budget_id`,
  );
