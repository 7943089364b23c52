import { summaryOf, type RunRow, type StepRow } from '../../../store/runs/run.rows.ts';
import { overrunOf, type Budget } from '../../../domain/budgets/budget.ts';
import { workflowIdOf } from '../../../domain/runs/run.ts';
import type { components } from '../../generated/openapi.d.ts';
import { maybeTime, time, usd } from '../../http/wire.ts';

/** @param uiUrl where Temporal's Web UI answers, for this namespace; `null` when it is not known. */
export const runView =
  (uiUrl: string | null) =>
  (run: RunRow): components['schemas']['Run'] => {
    const { summary: _summary, ...input } = run.input;
    return {
      id: run.id,
      kind: run.kind as components['schemas']['RunKind'],
      summary: summaryOf(run),
      subject_type: run.subject_type,
      subject_id: run.subject_id,
      owner_id: run.owner_id,
      parent_id: run.parent_id,
      status: run.status,
      progress: run.progress,
      current_step: run.current_step,
      attempt: run.attempt,
      input,
      output: run.output,
      error: run.error,
      tokens_in: run.tokens_in,
      tokens_out: run.tokens_out,
      cost_usd: usd(run.cost_micros),
      cost_complete: run.cost_complete,
      calls_in_doubt: run.in_doubt,
      created_at: time(run.created_at),
      updated_at: time(run.updated_at),
      started_at: maybeTime(run.started_at),
      finished_at: maybeTime(run.finished_at),
      workflow_url: uiUrl === null ? null : `${uiUrl}/workflows/${encodeURIComponent(workflowIdOf(run))}`,
    };
  };

export const stepView = (step: StepRow): components['schemas']['RunStep'] => ({
  path: step.path,
  status: step.status,
  attempt: step.attempt,
  calls: step.calls,
  calls_in_doubt: step.in_doubt,
  tokens_in: step.tokens_in,
  tokens_out: step.tokens_out,
  cost_usd: usd(step.cost_micros),
  started_at: time(step.started_at),
  finished_at: maybeTime(step.finished_at),
  duration_ms: step.finished_at ? step.finished_at.getTime() - step.started_at.getTime() : null,
  error: step.error,
});

export const budgetView = (budget: Budget): components['schemas']['RunBudget'] => ({
  limit_usd: usd(budget.limit),
  spent_usd: usd(budget.spent),
  reserved_usd: usd(budget.reserved),
  overrun_usd: usd(overrunOf(budget)),
});
