import { suggestedLimit } from '../../domain/budgets/budget.ts';
import { DEFAULT_POLICY } from '../../domain/approvals/approval.ts';
import { DomainError, invalid } from '../../domain/errors.ts';
import { textAt, type JsonObject } from '../../domain/json.ts';
import { APPROVAL_COLUMNS, closeApproval, openApproval, type ApprovalRow } from '../approvals/approvals.ts';
import type { RunRow } from '../runs/run.rows.ts';
import { poke, reportOutcome } from '../runs/transition.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import type { BudgetRow } from './reservations.ts';

const usd = (micros: number): number => micros / 1_000_000;

const newestGate = (tx: Writer, run: RunRow): Promise<ApprovalRow | undefined> =>
  tx.maybe<ApprovalRow>(
    sql`select ${APPROVAL_COLUMNS} from approvals a
         where a.run_id = ${run.id} and a.attempt = ${run.attempt} and a.kind = 'budget' order by a.revision desc limit 1`,
  );

/** @throws DomainError `budget_refused` when a person has said no: room that comes later does not change that. */
export const requireNoRefusal = async (tx: Writer, run: RunRow): Promise<void> => {
  if ((await newestGate(tx, run))?.status !== 'rejected') return;
  throw new DomainError(
    'unprocessable',
    'budget_refused',
    'The budget was not raised, so the run ends here.',
  );
};

const gatePath = (n: number): string => `budget/${n}`;

/** Who may raise a budget: the roles that may set one. */
const rolesThatPay = async (tx: Writer): Promise<string[]> => {
  const roles = await tx.many<{ name: string }>(
    sql`select name from roles where scopes @> array['budgets:write'] order by name`,
  );
  return roles.map(({ name }) => name);
};

/** What the approver may answer: the new limit. */
const ANSWER_SCHEMA: JsonObject = {
  type: 'object',
  properties: { limit_usd: { type: 'number', exclusiveMinimum: 0 } },
  additionalProperties: false,
};

/** A call that a budget refused waits for a person: opens the run's approval of kind `budget`, or finds it open. */
export const waitForBudget = async (
  tx: Writer,
  run: RunRow,
  stepPath: string,
  refusedBy: BudgetRow,
  needed: number,
): Promise<void> => {
  const gate = await newestGate(tx, run);
  if (gate?.status === 'open') return;
  const n = (gate?.revision ?? 0) + 1;
  const approval = await openApproval(tx, run, {
    kind: 'budget',
    stepPath: gatePath(n),
    subjectType: 'run',
    subjectId: run.id,
    revision: n,
    shown: {
      step: stepPath,
      budget_id: refusedBy.id,
      scope: refusedBy.scope,
      limit_usd: usd(refusedBy.limit),
      spent_usd: usd(refusedBy.spent),
      reserved_usd: usd(refusedBy.reserved),
      needed_usd: usd(needed),
      suggested_limit_usd: usd(suggestedLimit(refusedBy, needed)),
    },
    answerSchema: ANSWER_SCHEMA,
    policy: { ...DEFAULT_POLICY, roles: await rolesThatPay(tx) },
    expiresAt: null,
    onExpiry: 'reject',
  });
  const detail = { approval_id: approval.id };
  await reportOutcome(tx, run, gatePath(n), {
    transition: 'wait',
    attempt: run.attempt,
    step: gatePath(n),
    detail,
  });
};

/**
 * A run that waited for its budget goes on when its call has been paid for, whoever made room for it. While the call that
 * asked still waits, those of other branches that can be paid are made beside it.
 */
export const leaveBudgetGate = async (tx: Writer, run: RunRow, stepPath: string): Promise<void> => {
  const gate = await newestGate(tx, run);
  if (!gate) return;
  if (gate.status === 'open') {
    if (gate.shown['step'] !== stepPath) return;
    await closeApproval(tx, gate, { status: 'cancelled', by: null, comment: 'The budget has room again.' });
    // Other branches may have been refused behind the same approval: nobody else would ask for them.
    poke(tx, run);
  }
  await reportOutcome(tx, run, gatePath(gate.revision), { transition: 'proceed', attempt: run.attempt });
};

/** The new limit that an approval grants: as answered, else as suggested. @throws DomainError validation when it is no raise. */
const grantedLimit = (approval: ApprovalRow, answer: JsonObject | null): number => {
  const asked = answer?.['limit_usd'] ?? approval.shown['suggested_limit_usd'];
  const limit = Math.round(Number(asked) * 1_000_000);
  if (!Number.isSafeInteger(limit) || limit <= Number(approval.shown['limit_usd']) * 1_000_000)
    throw invalid('body.answer.limit_usd', 'must be above the present limit');
  return limit;
};

/**
 * Raises the budget that an approval was about, and wakes the other runs that wait for the same one: they ask again.
 * @throws DomainError validation when the answer is no raise.
 */
export const raiseBudget = async (
  tx: Writer,
  approval: ApprovalRow,
  answer: JsonObject | null,
): Promise<void> => {
  const limit = grantedLimit(approval, answer);
  const budgetId = textAt(approval.shown, 'budget_id');
  tx.send(
    sql`update budgets set limit_micros = greatest(limit_micros, ${limit}::bigint), updated_at = now() where id = ${budgetId}`,
  );
  tx.audit('budget.raise', 'budget', budgetId, { limit_usd: usd(limit), approval_id: approval.id });
  await wakeThoseWaiting(tx, budgetId, approval.id);
};

interface Waiting {
  readonly kind: string;
  readonly id: string;
  readonly attempt: number;
  readonly approval_id: string;
  readonly needed_usd: number;
}

/** The runs that wait for a budget, those that have waited longest first. */
const waitingFor = (tx: Writer, budgetId: string): Promise<Waiting[]> =>
  tx.many<Waiting>(
    sql`select r.kind, r.id, r.attempt, a.id as approval_id, (a.shown->>'needed_usd')::float8 as needed_usd
          from approvals a join runs r on r.id = a.run_id and r.attempt = a.attempt
         where a.kind = 'budget' and a.status = 'open' and a.shown->>'budget_id' = ${budgetId} order by a.created_at`,
  );

/** Lets every run that waits for this budget ask again. */
export const wakeThoseWaiting = async (tx: Writer, budgetId: string, except?: string): Promise<void> => {
  for (const run of await waitingFor(tx, budgetId)) if (run.approval_id !== except) poke(tx, run);
};

/** Lets as many of those that wait for a budget ask again as its room, in micro-dollars, is enough for. */
export const wakeThoseWithRoom = async (
  tx: Writer,
  budget: { readonly id: string; readonly room: number },
): Promise<void> => {
  let { room } = budget;
  for (const run of room > 0 ? await waitingFor(tx, budget.id) : []) {
    room -= Math.round(run.needed_usd * 1_000_000);
    if (room < 0) return;
    poke(tx, run);
  }
};
