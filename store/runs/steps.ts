import type { Json, JsonObject } from '../../domain/json.ts';
import { isLive, runStream } from '../../domain/runs/run.ts';
import { sql, type Sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';
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
  /** `call` counts how often the step was begun: whoever ends it in failure says which time it was. */
  | { readonly state: 'open'; readonly call: number }
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
const opening = (run: RunRow, step: StepRef, asked: string | null): Sql =>
  sql`with stored as materialized (
      select status, result, attempt from run_steps
       where run_id = ${step.runId} and path = ${step.path} and digest = ${step.digest}),
    lost as (select count(*)::integer as n from stored where status = 'started' and ${asked !== null}),
    begun as (
      insert into run_steps as s (run_id, workspace_id, path, digest, attempt, status, asked)
      select ${step.runId}, ${run.workspace_id}, ${step.path}, ${step.digest}, ${step.attempt}, 'started', ${asked}
       where not exists (select 1 from stored where status = 'completed')
      on conflict (run_id, path, digest) do update
        set status = 'started', attempt = excluded.attempt, calls = s.calls + 1, error = null, finished_at = null,
            asked = excluded.asked,
            -- What lies between two attempts is no part of how long a step takes.
            started_at = case when s.attempt = excluded.attempt then s.started_at else now() end,
            in_doubt = s.in_doubt + (select n from lost)
      returning calls),
    noted as (
      update runs set current_step = ${step.path}, updated_at = now(), in_doubt = in_doubt + (select n from lost)
       where id = ${step.runId} and exists (select 1 from begun))
    select (select calls from begun) as call, stored.* from (select 1) as always left join stored on true`;

interface Stored {
  /** Null when nothing was begun, as there is a result. */
  readonly call: number | null;
  /** Of the step as it was before; null when there was none. */
  readonly status: StepRow['status'] | null;
  readonly result: Json;
  readonly attempt: number | null;
}

/**
 * Opens a step of a run whose lock this transaction holds, or finds its stored result. A step that was begun before and
 * has no result means, of a step that asks a model, that a call was made whose answer was lost: it is counted as in doubt, in
 * the ledger too, because it may have cost something.
 */
export const openStep = async (
  tx: Writer,
  run: RunRow,
  step: StepRef,
  model?: { provider: string; model: string },
): Promise<Opened> => {
  const verdict = gate(run, step.attempt);
  if (verdict !== 'go') return { state: verdict };
  const stored = await tx.one<Stored>(opening(run, step, model ? `${model.provider}:${model.model}` : null));
  if (stored.call === null) {
    if (stored.attempt !== step.attempt) adoptStep(tx, step);
    return { state: 'done', result: stored.result };
  }
  const lost = stored.status === 'started';
  if (lost && model) recordLostCall(tx, step, run.workspace_id, model);
  tx.emit(runStream(step.runId), 'step.started', {
    step: step.path,
    title: step.title,
    attempt: step.attempt,
    again: lost,
  });
  return { state: 'open', call: stored.call };
};

/** Whether a step has a stored result, which costs nothing to use again. */
export const isStored = async (db: Reader, step: StepRef): Promise<boolean> =>
  (await db.maybe(
    sql`select 1 from run_steps
         where run_id = ${step.runId} and path = ${step.path} and digest = ${step.digest} and status = 'completed'`,
  )) !== undefined;

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

/** One call of a model, as its vendor counted it. */
export interface Usage {
  readonly provider: string;
  readonly model: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached: number;
  /** Micro-dollars; `null` when the model has no configured price, or nobody knows what the call cost. */
  readonly costMicros: number | null;
  /** Milliseconds; `null` when the answer never came. */
  readonly latencyMs: number | null;
  /** It may have been billed, and nobody knows. */
  readonly inDoubt: boolean;
}

/** How far a step brings its run, in per cent of the whole: to a mark, or by a share where steps go side by side. */
export type Progress = { readonly to: number } | { readonly by: number };

interface StepOutcome {
  readonly result: JsonObject;
  /** Every call that the step made since it was opened. */
  readonly usage?: readonly Usage[];
  readonly progress: Progress;
  readonly detail?: JsonObject;
}

/** How a step that is under way ends: the columns that this changes, and how far the run has come. */
interface Ending {
  readonly set: Sql;
  /** Whether the step, called `s`, may still end so. */
  readonly when: Sql;
  readonly usage: readonly Usage[];
  readonly progress: Progress;
}

/** One statement, because it stands in the way of every step: the run's lock first, as everywhere. */
const ending = (tx: Writer, step: StepRef, { set, when, usage, progress }: Ending): Sql => {
  const [to, by] = 'to' in progress ? [progress.to, 0] : [0, progress.by];
  return sql`with run as materialized (select id from runs where id = ${step.runId} for update),
    calls as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(usage)}::jsonb) as c("provider" text, "model" text, "tokensIn" bigint,
        "tokensOut" bigint, "tokensCached" bigint, "costMicros" bigint, "latencyMs" integer, "inDoubt" boolean)),
    bill as (
      select coalesce(sum("tokensIn"), 0)::bigint as tokens_in, coalesce(sum("tokensOut"), 0)::bigint as tokens_out,
             coalesce(sum("costMicros"), 0)::bigint as cost, count(*) filter (where "inDoubt")::integer as doubts,
             coalesce(bool_and("costMicros" is not null or "inDoubt"), true) as priced
        from calls),
    ended as (
      update run_steps s set ${set}, finished_at = now(), tokens_in = s.tokens_in + bill.tokens_in,
             tokens_out = s.tokens_out + bill.tokens_out, cost_micros = s.cost_micros + bill.cost, in_doubt = s.in_doubt + bill.doubts
        from run, bill where s.run_id = run.id and s.path = ${step.path} and s.digest = ${step.digest} and ${when}
      returning s.run_id),
    booked as (
      insert into usage_ledger (workspace_id, run_id, step_path, attempt, provider, model, tokens_in, tokens_out,
                                tokens_cached, cost_micros, latency_ms, in_doubt)
      select ${tx.principal.workspaceId}, ended.run_id, ${step.path}, ${step.attempt}, "provider", "model", "tokensIn",
             "tokensOut", "tokensCached", "costMicros", "latencyMs", "inDoubt"
        from ended, calls),
    counted as (
      update runs r set progress = greatest(${to}::smallint, least(progress + ${by}::smallint, 99)), updated_at = now(),
             tokens_in = r.tokens_in + bill.tokens_in, tokens_out = r.tokens_out + bill.tokens_out,
             cost_micros = r.cost_micros + bill.cost, cost_complete = cost_complete and bill.priced,
             in_doubt = r.in_doubt + bill.doubts
        from ended, bill where r.id = ended.run_id returning r.progress),
    -- Not this step's own: those who watch are about to read the end of its text.
    trimmed as (
      delete from deltas d using ended, run_steps s
       where d.run_id = ended.run_id and s.run_id = d.run_id and s.path = d.step
         and s.status <> 'started' and s.finished_at < now() - interval '10 seconds')
    select progress from counted`;
};

/**
 * Stores a step's result, what it cost, and how far the run has come. Kept even when the run was paused or cancelled
 * meanwhile: the work is done and paid for. A second close of the same step changes nothing.
 */
export const closeStep = async (tx: Writer, step: StepRef, outcome: StepOutcome): Promise<void> => {
  const { usage = [], progress } = outcome;
  const set = sql`status = 'completed', error = null, result = ${JSON.stringify(outcome.result)}`;
  const when = sql`s.status <> 'completed'`;
  const closed = await tx.maybe<{ progress: number }>(ending(tx, step, { set, when, usage, progress }));
  if (!closed) return;
  tx.emit(runStream(step.runId), 'step.completed', {
    step: step.path,
    title: step.title,
    attempt: step.attempt,
    progress: closed.progress,
    ...(usage.length > 0 ? { tokens: usage.reduce((sum, u) => sum + u.tokensIn + u.tokensOut, 0) } : {}),
    ...outcome.detail,
  });
};

/**
 * Ends a step whose calls led to nothing, with what they cost; beginning it again is no repeat of a call that was lost.
 * One that somebody else has begun again meanwhile is theirs: its earlier call has been counted as lost.
 */
export const failStep = async (
  tx: Writer,
  step: StepRef,
  failure: {
    readonly call: number;
    readonly error: { readonly code: string; readonly message: string };
    readonly usage: readonly Usage[];
    /** Nobody was called: it counts as none. */
    readonly unsent?: boolean;
  },
): Promise<void> => {
  const { call, error, usage, unsent = false } = failure;
  const set = sql`status = 'failed', error = ${JSON.stringify(error)}, calls = s.calls - ${unsent ? 1 : 0}::integer`;
  const when = sql`s.status = 'started' and s.calls = ${call}`;
  const failed = await tx.maybe(ending(tx, step, { set, when, usage, progress: { by: 0 } }));
  if (!failed) return;
  tx.emit(runStream(step.runId), 'step.failed', {
    step: step.path,
    title: step.title,
    attempt: step.attempt,
    error,
  });
};
