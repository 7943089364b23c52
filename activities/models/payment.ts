import { costOf, worstCase } from '../../domain/budgets/budget.ts';
import { DomainError } from '../../domain/errors.ts';
import { leaveBudgetGate, waitForBudget } from '../../store/budgets/gate.ts';
import {
  doubtOpenReservations,
  reserve,
  settle,
  type BudgetRow,
  type Reservation,
} from '../../store/budgets/reservations.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import { gate, isStored, type StepRef, type Usage } from '../../store/runs/steps.ts';
import type { Writer } from '../../store/store.ts';
import type { Generated, Model } from './model.ts';

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
export const doubtfulUsage = ({ provider, name }: Pick<Model, 'provider' | 'name'>): Usage => ({
  provider,
  model: name,
  tokensIn: 0,
  tokensOut: 0,
  tokensCached: 0,
  costMicros: null,
  latencyMs: null,
  inDoubt: true,
});

/**
 * The most that a model's calls can cost, in micro-dollars.
 * @throws DomainError `model_without_price`: under a budget, only what has a price can be called.
 */
export const worstCaseOf = (model: Model, promptBytes: number, outputTokens: number): number => {
  if (model.price === null)
    throw new DomainError(
      'unprocessable',
      'model_without_price',
      `${model.id} has no configured price, so no budget can pay for it: set TASKLOOM_MODEL_INPUT_USD_PER_MTOK and TASKLOOM_MODEL_OUTPUT_USD_PER_MTOK, or name it in TASKLOOM_MODELS_FILE.`,
    );
  return worstCase(model.price, promptBytes, outputTokens);
};

/** `null`: nothing limits the run, or nothing has to be paid. `waits`: a person is asked for more, and the step comes back. */
export type Payment = Reservation | 'waits' | null;

/**
 * Pays for a step's calls in advance from every budget of its run, whose locks this transaction holds; a step that need not
 * be done again costs nothing.
 * @param amount says how many micro-dollars at most; asked only where there is a budget.
 * @throws DomainError `budget_refused`, and what `amount` throws.
 */
export const payInAdvance = async (
  tx: Writer,
  run: RunRow,
  step: StepRef,
  budgets: readonly BudgetRow[],
  amount: () => number,
): Promise<Payment> => {
  if (budgets.length === 0 || gate(run, step.attempt) !== 'go' || (await isStored(tx, step))) return null;
  const most = amount();
  doubtOpenReservations(tx, step);
  const paid = reserve(tx, step, budgets, most);
  if ('refusedBy' in paid) {
    await waitForBudget(tx, run, paid.refusedBy, most);
    return 'waits';
  }
  if (run.status === 'waiting') await leaveBudgetGate(tx, run);
  return paid.reservation;
};

/** Ends the payment of a step with what its calls used; nothing gives it back. */
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
