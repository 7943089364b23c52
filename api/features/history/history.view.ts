import { excerptOfJson } from '../../../domain/excerpt.ts';
import type { JsonObject } from '../../../domain/json.ts';
import { executionWord } from '../../../domain/runs/history.ts';
import { isLive } from '../../../domain/runs/run.ts';
import type { ExecutionRow, GateRow, StoredStepRow } from '../../../store/runs/history.queries.ts';
import type { components } from '../../generated/openapi.d.ts';
import { maybeTime, time, usd } from '../../http/wire.ts';

type Schemas = components['schemas'];
type Step = Schemas['WorkflowStep'];

/** How much of a step's output is shown, in characters. */
const OUTPUT_LIMIT = 10_000;

const between = (from: Date | null, to: Date | null): number | null =>
  from && to ? to.getTime() - from.getTime() : null;

export const executionView = (run: ExecutionRow): Schemas['WorkflowExecution'] => ({
  id: run.id,
  workflow_id: run.subject_id,
  workflow_name: run.workflow_name,
  kind: run.kind as Schemas['RunKind'],
  status: executionWord(run.status),
  outcome: isLive(run.status) ? null : (run.status as 'completed' | 'failed' | 'cancelled'),
  attempt: run.attempt,
  started_at: maybeTime(run.started_at),
  completed_at: maybeTime(run.finished_at),
  duration_ms: between(run.started_at, run.finished_at),
  error: run.error,
});

const storedStep = (step: StoredStepRow): Step => {
  const output = step.result === null ? null : excerptOfJson(step.result as JsonObject, OUTPUT_LIMIT);
  return {
    step_name: step.step_name,
    path: step.path,
    status: step.status,
    attempt: step.attempt,
    started_at: time(step.started_at),
    completed_at: maybeTime(step.finished_at),
    duration_ms: between(step.started_at, step.finished_at),
    output: output && { ...output.value },
    output_truncated: output?.isCut ?? false,
    error: step.error && { ...step.error },
    calls: step.calls,
    calls_in_doubt: step.in_doubt,
    tokens_in: step.tokens_in,
    tokens_out: step.tokens_out,
    cost_usd: usd(step.cost_micros),
  };
};

const GATE_WORDS = { open: 'waiting', cancelled: 'cancelled' } as const;

const gateStep = (gate: GateRow): Step => ({
  step_name: gate.step_name,
  path: gate.path,
  status: gate.status === 'open' || gate.status === 'cancelled' ? GATE_WORDS[gate.status] : 'completed',
  attempt: gate.attempt,
  started_at: time(gate.created_at),
  completed_at: maybeTime(gate.decided_at),
  duration_ms: between(gate.created_at, gate.decided_at),
  output:
    gate.status === 'open' ? null : { approval_id: gate.id, revision: gate.revision, verdict: gate.status },
  output_truncated: false,
  error: null,
  calls: 0,
  calls_in_doubt: 0,
  tokens_in: 0,
  tokens_out: 0,
  cost_usd: 0,
});

export const detailsView = (found: {
  run: ExecutionRow;
  steps: readonly StoredStepRow[];
  gates: readonly GateRow[];
}): Schemas['WorkflowDetails'] => ({
  ...executionView(found.run),
  steps: [...found.steps.map(storedStep), ...found.gates.map(gateStep)].toSorted((a, b) =>
    a.started_at < b.started_at ? -1 : Number(a.started_at > b.started_at),
  ),
});
