import { costOf, worstCase } from '../../domain/budgets/budget.ts';
import { DomainError } from '../../domain/errors.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import type { Usage } from '../../store/runs/steps.ts';
import { leaveBudgetGate, waitForBudget } from '../../store/budgets/gate.ts';
import { doubtOpenReservations, reserve, settle, type BudgetRow, type Reservation } from '../../store/budgets/reservations.ts';
import type { Writer } from '../../store/store.ts';
import type { Generated, Model } from './model.ts';

/** The most that a step may send and receive, for its price. */
export interface Extent {
  /** Of all that is sent, over all calls. */
  readonly promptBytes: number;
  /** Over all calls. */
  readonly outputTokens: number;
}

/** What one answered call used, as the ledger books it. */
export const usageOf = (model: Model, { usage, latencyMs }: Generated): Usage => ({
  provider: model.provider,
  model: model.name,
  tokensIn: usage.inputTokens,
  tokensOut: usage.outputTokens,
  tokensCached: usage.cachedInputTokens,
  costMicros: model.price === null ? null : costOf(model.price, usage.inputTokens, usage.outputTokens),
  latencyMs,
  inDoubt: false,
});

/** A call that may have been billed, and nobody knows. */
export const doubtfulUsage = ({ provider, name }: Model): Usage => ({
  provider,
  model: name,
  tokensIn: 0,
  tokensOut: 0,
  tokensCached: 0,
  costMicros: null,
  latencyMs: null,
  inDoubt: true,
});

/** @throws DomainError `model_without_price`: under a budget, only what has a price can be called. */
const priceOf = (model: Model, extent: Extent): number => {
  if (model.price === null)
    throw new DomainError(
      'unprocessable',
      'model_without_price',
      `${model.id} has no configured price, so no budget can pay for it: set TASKLOOM_MODEL_INPUT_USD_PER_MTOK and TASKLOOM_MODEL_OUTPUT_USD_PER_MTOK, or name it in TASKLOOM_MODELS_FILE.`,
    );
  return worstCase(model.price, extent.promptBytes, extent.outputTokens);
};

/**
 * Pays for a step's calls in advance from every budget of its run, whose locks this transaction holds.
 * @returns `waits` when a budget has no room: a person is asked, and the step comes back; else the reservation, if any.
 * @throws DomainError `model_without_price`, `budget_refused`.
 */
export const payInAdvance = async (
  tx: Writer,
  run: RunRow,
  step: { readonly runId: string; readonly path: string },
  { budgets, model, extent }: { budgets: readonly BudgetRow[]; model: Model; extent: Extent },
): Promise<{ readonly waits: true } | { readonly waits: false; readonly reservation: Reservation | null }> => {
  if (budgets.length === 0) return { waits: false, reservation: null };
  const amount = priceOf(model, extent);
  doubtOpenReservations(tx, step);
  const paid = reserve(tx, step, budgets, amount);
  if ('refusedBy' in paid) {
    await waitForBudget(tx, run, paid.refusedBy, amount);
    return { waits: true };
  }
  if (run.status === 'waiting') await leaveBudgetGate(tx, run);
  return { waits: false, reservation: paid.reservation };
};

/** Ends the payment of a step with what its calls used. */
export const settleUsage = (
  tx: Writer,
  runId: string,
  reservation: Reservation | null,
  usage: readonly Usage[],
): void => {
  if (!reservation) return;
  const cost = usage.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0);
  if (usage.some(({ inDoubt }) => inDoubt)) settle(tx, runId, reservation, 'in_doubt');
  else settle(tx, runId, reservation, usage.length === 0 ? 'released' : { cost });
};
