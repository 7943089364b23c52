import type { Json, JsonObject } from '../../domain/json.ts';
import { isLive, runStream } from '../../domain/runs/run.ts';
import { sql, type Sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import type { RunRow, StepRow } from './run.rows.ts';

/** Which step of which attempt; `path` carries iteration and section, like `draft/2` or `revise.1/0`. */
export interface StepRef {
  readonly runId: string;
  readonly attempt: number;
  readonly path: string;
  /** Digest of what the step's result depends on: inputs, model, parameters. */
  readonly digest: string;
  /** For people, while it runs. */
  readonly title: string;
}

export type Opened =
  | { readonly state: 'open' }
  | { readonly state: 'done'; readonly result: Json }
  /** The run is paused: come back when it is resumed. */
  | { readonly state: 'held' }
  /** The run has ended, or a newer attempt carries it: stop without effect. */
  | { readonly state: 'refused' };

/** Whether this attempt may go on with the run; outcomes are recorded even then. */
export const gate = (run: RunRow, attempt: number): 'go' | 'held' | 'refused' => {
  if (run.attempt !== attempt || !isLive(run.status) || run.status === 'queued') return 'refused';
  return run.status === 'paused' ? 'held' : 'go';
};

/** One statement, because it stands in the way of every step: finds what is stored, else begins the step and the call. */
const opening = (run: RunRow, step: StepRef): Sql =>
  sql`with stored as materialized (
      select status, result, attempt from run_steps
       where run_id = ${step.runId} and path = ${step.path} and digest = ${step.digest}),
    lost as (select count(*)::integer as n from stored where status = 'started'),
    begun as (
      insert into run_steps as s (run_id, workspace_id, path, digest, attempt, status)
      select ${step.runId}, ${run.workspace_id}, ${step.path}, ${step.digest}, ${step.attempt}, 'started'
       where not exists (select 1 from stored where status = 'completed')
      on conflict (run_id, path, digest) do update
        set status = 'started', attempt = excluded.attempt, calls = s.calls + 1, error = null, finished_at = null,
            -- What lies between two attempts is no part of how long a step takes.
            started_at = case when s.attempt = excluded.attempt then s.started_at else now() end,
            in_doubt = s.in_doubt + (select n from lost)
      returning 1),
    noted as (
      update runs set current_step = ${step.path}, updated_at = now(), in_doubt = in_doubt + (select n from lost)
       where id = ${step.runId} and exists (select 1 from begun))
    select status, result, attempt from stored`;

/**
 * Opens a step of a run whose lock this transaction holds, or finds its stored result. A step that was begun before and
 * has no result means that a call was made whose answer was lost: it is counted as in doubt, in the ledger too, because it
 * may have cost something.
 */
export const openStep = async (
  tx: Writer,
  run: RunRow,
  step: StepRef,
  model?: { provider: string; model: string },
): Promise<Opened> => {
  const verdict = gate(run, step.attempt);
  if (verdict !== 'go') return { state: verdict };
  const stored = await tx.maybe<Pick<StepRow, 'status' | 'result' | 'attempt'>>(opening(run, step));
  if (stored?.status === 'completed') {
    if (stored.attempt !== step.attempt) adoptStep(tx, step);
    return { state: 'done', result: stored.result };
  }
  const lost = stored?.status === 'started';
  if (lost && model) recordLostCall(tx, step, run.workspace_id, model);
  tx.emit(runStream(step.runId), 'step.started', {
    step: step.path,
    title: step.title,
    attempt: step.attempt,
    again: lost,
  });
  return { state: 'open' };
};

/** A later attempt uses what an earlier one has finished: from now on it counts as its own. */
const adoptStep = (tx: Writer, step: StepRef): void => {
  tx.send(
    sql`update run_steps set attempt = ${step.attempt}
         where run_id = ${step.runId} and path = ${step.path} and digest = ${step.digest}`,
  );
  tx.emit(runStream(step.runId), 'step.reused', {
    step: step.path,
    title: step.title,
    attempt: step.attempt,
  });
};

const recordLostCall = (
  tx: Writer,
  step: StepRef,
  workspaceId: string,
  model: { provider: string; model: string },
): void =>
  tx.send(
    sql`insert into usage_ledger (workspace_id, run_id, step_path, attempt, provider, model, in_doubt)
        values (${workspaceId}, ${step.runId}, ${step.path}, ${step.attempt}, ${model.provider}, ${model.model}, true)`,
  );

/** Says how far a run has come, in per cent; never back. */
export const setProgress = (tx: Writer, runId: string, progress: number): void =>
  tx.send(sql`update runs set progress = greatest(progress, ${progress}::smallint) where id = ${runId}`);

export interface Usage {
  readonly provider: string;
  readonly model: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached: number;
  /** Micro-dollars; `null` when the model has no configured price. */
  readonly costMicros: number | null;
  readonly latencyMs: number;
}

/** How far a step brings its run, in per cent of the whole: to a mark, or by a share where steps go side by side. */
export type Progress = { readonly to: number } | { readonly by: number };

interface StepOutcome {
  readonly result: JsonObject;
  readonly usage?: Usage;
  readonly progress: Progress;
  readonly detail?: JsonObject;
}

/** One statement, because it stands in the way of every step: the run's lock first, as everywhere. */
const closing = (tx: Writer, step: StepRef, { result, usage, progress }: StepOutcome): Sql => {
  const [tokensIn, tokensOut, cost] = [usage?.tokensIn ?? 0, usage?.tokensOut ?? 0, usage?.costMicros ?? 0];
  const [to, by] = 'to' in progress ? [progress.to, 0] : [0, progress.by];
  const isPriced = usage === undefined || usage.costMicros !== null;
  return sql`with run as materialized (select id from runs where id = ${step.runId} for update),
    closed as (
      update run_steps s set status = 'completed', result = ${JSON.stringify(result)}, finished_at = now(),
             tokens_in = ${tokensIn}::bigint, tokens_out = ${tokensOut}::bigint, cost_micros = ${cost}::bigint
        from run where s.run_id = run.id and s.path = ${step.path} and s.digest = ${step.digest} and s.status = 'started'
      returning s.run_id),
    booked as (
      insert into usage_ledger (workspace_id, run_id, step_path, attempt, provider, model, tokens_in, tokens_out,
                                tokens_cached, cost_micros, latency_ms)
      select ${tx.principal.workspaceId}, closed.run_id, ${step.path}, ${step.attempt}, ${usage?.provider ?? ''}, ${usage?.model ?? ''},
             ${tokensIn}::bigint, ${tokensOut}::bigint, ${usage?.tokensCached ?? 0}::bigint, ${usage?.costMicros ?? null}::bigint,
             ${usage?.latencyMs ?? null}::integer
        from closed where ${usage !== undefined}),
    counted as (
      update runs r set progress = greatest(${to}::smallint, least(progress + ${by}::smallint, 99)), updated_at = now(),
             tokens_in = tokens_in + ${tokensIn}::bigint, tokens_out = tokens_out + ${tokensOut}::bigint,
             cost_micros = cost_micros + ${cost}::bigint, cost_complete = cost_complete and ${isPriced}
        from closed where r.id = closed.run_id returning r.progress),
    trimmed as (
      delete from deltas d using closed where d.run_id = closed.run_id and d.step = ${step.path})
    select progress from counted`;
};

/**
 * Stores a step's result, what it cost, and how far the run has come. Kept even when the run was paused or cancelled
 * meanwhile: the work is done and paid for. A second close of the same step changes nothing.
 */
export const closeStep = async (tx: Writer, step: StepRef, outcome: StepOutcome): Promise<void> => {
  const { usage } = outcome;
  const closed = await tx.maybe<{ progress: number }>(closing(tx, step, outcome));
  if (!closed) return;
  tx.emit(runStream(step.runId), 'step.completed', {
    step: step.path,
    title: step.title,
    attempt: step.attempt,
    progress: closed.progress,
    ...(usage ? { tokens: usage.tokensIn + usage.tokensOut } : {}),
    ...outcome.detail,
  });
};
