import type { BudgetScope } from '../../domain/budgets/budget.ts';
import { runStream } from '../../domain/runs/run.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import { wakeThoseWithRoom } from './gate.ts';
import { chargeMonth, type Reservation } from './reservations.ts';

/** How a reservation ends: with a bill, with a call that never reached its vendor, or with one of which nobody knows. */
export type Settlement = { readonly cost: number } | 'released' | 'in_doubt';

/**
 * Ends a reservation, once: a second end changes nothing. A bill above it is booked in full and told; a call in doubt counts
 * as if it had cost all of it. What is left over goes to the runs that wait for it. The caller holds the run's lock.
 */
export const settle = async (
  tx: Writer,
  runId: string,
  { id, amount }: Reservation,
  how: Settlement,
): Promise<void> => {
  const cost = how === 'released' ? 0 : how === 'in_doubt' ? amount : how.cost;
  const state = typeof how === 'string' ? how : 'settled';
  const paid = await tx.many<{ id: string | null; scope: BudgetScope; room: number }>(
    sql`with ended as (
          update budget_reservations set state = ${state}, cost_micros = ${cost}::bigint, closed_at = now()
           where id = ${id} and state = 'open' returning budget_ids, amount_micros),
        paid as (
          update budgets b set reserved_micros = reserved_micros - ended.amount_micros, spent_micros = spent_micros + ${cost}::bigint,
                 updated_at = now()
            from ended where b.id = any(ended.budget_ids)
          returning b.id, b.scope, b.limit_micros - b.spent_micros - b.reserved_micros as room)
        select paid.* from ended left join paid on true`,
  );
  if (paid.length === 0) return;
  if (!paid.some(({ scope }) => scope === 'month')) chargeMonth(tx, cost);
  if (cost > amount)
    tx.emit(runStream(runId), 'budget.overrun', {
      run_id: runId,
      reserved_micros: amount,
      billed_micros: cost,
    });
  if (cost < amount)
    for (const { id: budgetId, room } of paid)
      if (budgetId) await wakeThoseWithRoom(tx, { id: budgetId, room });
};
