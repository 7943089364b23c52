import type { ModelPrice } from '../models/catalogue.ts';

/** `run`: one run; `month`: a workspace in one calendar month (UTC). All amounts are micro-dollars. */
export type BudgetScope = 'run' | 'month';

export interface Budget {
  readonly scope: BudgetScope;
  readonly limit: number;
  /** What was billed, and what calls in doubt may have cost. */
  readonly spent: number;
  /** What calls under way may cost at most. */
  readonly reserved: number;
}

/** What a chat template adds around a prompt, generously. */
const TEMPLATE_TOKENS = 300;
const MICROS_PER_CENT = 10_000;
/** By how much a raise is suggested, so that the next call does not ask again. */
const HEADROOM = 1.5;

/**
 * The most that a call can cost, in micro-dollars: no tokenizer makes more tokens of a text than it has bytes.
 * @param promptBytes of everything that is sent, in UTF-8
 */
export const worstCase = (price: ModelPrice, promptBytes: number, maxOutputTokens: number): number =>
  Math.ceil(
    ((promptBytes + TEMPLATE_TOKENS) * price.inputPerMtok + maxOutputTokens * price.outputPerMtok) /
      1_000_000,
  );

/** What a call costs, in micro-dollars. */
export const costOf = (price: ModelPrice, tokensIn: number, tokensOut: number): number =>
  Math.round((tokensIn * price.inputPerMtok + tokensOut * price.outputPerMtok) / 1_000_000);

/** Whether a budget has room for a call: what is reserved counts as spent. */
export const affords = ({ limit, spent, reserved }: Budget, amount: number): boolean =>
  spent + reserved + amount <= limit;

/** What is billed beyond the limit. */
export const overrunOf = ({ limit, spent }: Budget): number => Math.max(0, spent - limit);

/** A limit with room for a call that was refused, in whole cents. */
export const suggestedLimit = ({ limit, spent, reserved }: Budget, amount: number): number =>
  Math.ceil((Math.max(limit, spent + reserved + amount) * HEADROOM) / MICROS_PER_CENT) * MICROS_PER_CENT;
