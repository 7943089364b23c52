import { ApplicationFailure } from '@temporalio/common';
import { costOf, worstCase } from '../../domain/budgets/budget.ts';
import { DomainError } from '../../domain/errors.ts';
import { leaveBudgetGate, requireNoRefusal, waitForBudget } from '../../store/budgets/gate.ts';
import {
  chargeMonth,
  doubtOpenReservations,
  reserve,
  type BudgetRow,
  type Reservation,
} from '../../store/budgets/reservations.ts';
import { settle } from '../../store/budgets/settlement.ts';
import { failLostSteps } from '../../store/runs/leftovers.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import { gate, isStored, openStep, type Opened, type StepRef, type Usage } from '../../store/runs/steps.ts';
import type { Writer } from '../../store/store.ts';
import { isUnbilled } from './errors.ts';
import type { Generated, Model } from './model.ts';

/** Whoever writes something uses tokens: none means that the provider counts none, and nobody knows what it cost. */
const isCounted = ({ inputTokens, outputTokens }: Generated['usage']): boolean =>
  inputTokens + outputTokens > 0;

/** What one answered call used, as the ledger books it. */
export const usageOf = (model: Model, { usage, latencyMs }: Generated): Usage => ({
  provider: model.provider,
  model: model.name,
  tokensIn: usage.inputTokens,
  tokensOut: usage.outputTokens,
  tokensCached: usage.cachedInputTokens,
  costMicros:
    model.price === null || !isCounted(usage)
      ? null
      : costOf(model.price, usage.inputTokens, usage.outputTokens),
  latencyMs,
  inDoubt: false,
});

/** A call that may have been billed, and nobody knows. */
const doubtfulUsage = ({ provider, name }: Pick<Model, 'provider' | 'name'>): Usage => ({
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
type Payment = Reservation | 'waits' | null;

/**
 * Pays for a step's calls in advance from every budget of its run, whose locks this transaction holds; a step that need not
 * be done again costs nothing.
 * @param amount says how many micro-dollars at most; asked only where there is a budget.
 * @throws DomainError `budget_refused`, and what `amount` throws.
 */
const payInAdvance = async (
  tx: Writer,
  run: RunRow,
  step: StepRef,
  budgets: readonly BudgetRow[],
  amount: () => number,
): Promise<Payment> => {
  const isWaiting = run.status === 'waiting';
  // A run that waits may have lost its limits meanwhile.
  if ((budgets.length === 0 && !isWaiting) || gate(run, step.attempt) !== 'go') return null;
  if (isWaiting) await requireNoRefusal(tx, run);
  const payment = (await isStored(tx, step)) ? null : await pay(tx, run, step, budgets, amount);
  if (isWaiting && payment !== 'waits') await leaveBudgetGate(tx, run, step.path);
  return payment;
};

const pay = async (
  tx: Writer,
  run: RunRow,
  step: StepRef,
  budgets: readonly BudgetRow[],
  amount: () => number,
): Promise<Payment> => {
  doubtOpenReservations(tx, step);
  if (budgets.length === 0) return null;
  const most = amount();
  const paid = reserve(tx, step, budgets, most);
  if (!('refusedBy' in paid)) return paid.reservation;
  await failLostSteps(tx, run, step.path);
  await waitForBudget(tx, run, step.path, paid.refusedBy, most);
  return 'waits';
};

interface Terms {
  readonly budgets: readonly BudgetRow[];
  /** As for `payInAdvance`; `null` for a step that nobody is paid for. */
  readonly amount: (() => number) | null;
  readonly model: Parameters<typeof openStep>[3];
}

/**
 * Pays for a step and opens it, in the transaction that holds the locks of the run and its budgets; `held` while it waits for
 * money. @throws DomainError as `payInAdvance`.
 */
export const openPaidStep = async (
  tx: Writer,
  run: RunRow,
  step: StepRef,
  { budgets, amount, model }: Terms,
): Promise<{ readonly opened: Opened; readonly reservation: Reservation | null }> => {
  const payment = amount && (await payInAdvance(tx, run, step, budgets, amount));
  if (payment === 'waits') return { opened: { state: 'held' }, reservation: null };
  return { opened: await openStep(tx, run, step, model), reservation: payment };
};

/**
 * Ends the payment of a step with what its calls used; nothing gives it back, and what nobody can put a price on counts as
 * if it had cost all of it.
 */
export const settleUsage = async (
  tx: Writer,
  runId: string,
  reservation: Reservation | null,
  usage: readonly Usage[],
): Promise<void> => {
  const cost = usage.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0);
  if (!reservation) return chargeMonth(tx, cost);
  if (usage.some(({ costMicros }) => costMicros === null)) await settle(tx, runId, reservation, 'in_doubt');
  else await settle(tx, runId, reservation, usage.length === 0 ? 'released' : { cost });
};

/** What a call that failed used: nothing where it can't have been billed. */
export const usageOfFailure = (error: unknown, model: Pick<Model, 'provider' | 'name'>): Usage[] =>
  isUnbilled(error) ? [] : [doubtfulUsage(model)];

/** A failure as a step keeps it: its code, and what it said. */
export const failureOf = (error: unknown): { code: string; message: string } => ({
  code: error instanceof ApplicationFailure ? (error.type ?? 'failed') : 'interrupted',
  message: error instanceof Error ? error.message.slice(0, 500) : 'The call was interrupted.',
});
