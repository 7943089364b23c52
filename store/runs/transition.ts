import { conflict, notFound } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import {
  decideTransition,
  isLive,
  runStream,
  workflowIdOf,
  type RunStatus,
  type Transition,
} from '../../domain/runs/run.ts';
import { sql, type Sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import { followSubject } from './subject.ts';
import { RUN_COLUMNS, type RunRow } from './run.rows.ts';

/** The signal that every run's workflow understands: something changed, look at your rows. */
export const POKE = 'poke';

/** Reads a run under its lock: whoever changes it next waits. @throws DomainError not_found. */
export const lockRun = async (tx: Writer, runId: string): Promise<RunRow> => {
  const run = await tx.maybe<RunRow>(sql`select ${RUN_COLUMNS} from runs r where r.id = ${runId} for update`);
  if (!run) throw notFound('run', runId);
  return run;
};

interface Change {
  readonly transition: Transition;
  /** The attempt that reports an outcome; `null` for an intent of the API. */
  readonly attempt: number | null;
  readonly output?: JsonObject | undefined;
  readonly error?: { code: string; message: string } | undefined;
  readonly step?: string | undefined;
  readonly detail?: JsonObject | undefined;
}

const EVENT_OF: Record<Transition, string> = {
  begin: 'run.started',
  wait: 'run.waiting',
  proceed: 'run.proceeded',
  complete: 'run.completed',
  fail: 'run.failed',
  pause: 'run.paused',
  resume: 'run.resumed',
  cancel: 'run.cancelled',
  retry: 'run.queued',
  restart: 'run.restarted',
};

/** A second live run of one subject is refused by the index, whoever comes first: here that is an older run, tried again. */
const updateRun = (tx: Writer, update: Sql): Promise<RunRow> =>
  tx.one<RunRow>(update).catch((error: { constraint?: string }) => {
    if (error.constraint !== 'runs_one_live') throw error;
    throw conflict(
      'run_live',
      'A newer run of the same subject has not ended yet: wait for it, or cancel it first.',
    );
  });

/**
 * Makes a transition on a run whose lock this transaction holds, if its state allows it, and all that follows from it:
 * the row, the event, the totals, the subject's own status.
 * @returns the run after it, or `undefined` when its state or a newer attempt refuses (nothing is changed then).
 */
export const transit = async (tx: Writer, run: RunRow, change: Change): Promise<RunRow | undefined> => {
  const state = { status: run.status, pausedFrom: run.paused_from, attempt: run.attempt };
  const decision = decideTransition(state, change.transition, change.attempt);
  if ('refused' in decision) return undefined;
  const next = decision.to;
  const ends = !isLive(next.status);
  const restarts = change.transition === 'retry';
  const after = await updateRun(
    tx,
    sql`update runs r set status = ${next.status}, paused_from = ${next.pausedFrom}, attempt = ${next.attempt},
          version = version + 1, updated_at = now(),
          started_at = coalesce(started_at, case when ${next.status} = 'running' then now() end),
          finished_at = case when ${ends} then now() when ${restarts} then null else finished_at end,
          progress = case when ${next.status} = 'completed' then 100 else progress end,
          current_step = case when ${ends} then null else coalesce(${change.step ?? null}, current_step) end,
          output = coalesce(${change.output ? JSON.stringify(change.output) : null}::jsonb, output),
          error = case when ${restarts} then null else coalesce(${change.error ? JSON.stringify(change.error) : null}::jsonb, error) end
        where r.id = ${run.id} returning ${RUN_COLUMNS}`,
  );
  tx.count(`run/${run.kind}`, run.status, -1);
  tx.count(`run/${run.kind}`, after.status, 1);
  tx.emit(runStream(run.id), EVENT_OF[change.transition], {
    run_id: run.id,
    status: after.status,
    attempt: after.attempt,
    ...(change.output ? { output: change.output } : {}),
    ...(change.error ? { error: change.error } : {}),
    ...change.detail,
  });
  await followSubject(tx, after);
  return after;
};

const INTENT_SENTENCE: Partial<Record<Transition, string>> = {
  pause: 'Only a run that is queued, running or waiting can be paused',
  resume: 'Only a paused run can be resumed',
  cancel: 'Only a run that has not ended can be cancelled',
  retry: 'Only a failed or cancelled run can be tried again',
};

/**
 * Carries out what a person asked of a run, together with its audit entry.
 * @throws DomainError not_found, or conflict when its status does not allow it.
 */
export const applyIntent = async (
  tx: Writer,
  runId: string,
  transition: 'pause' | 'resume' | 'cancel' | 'retry',
): Promise<{ before: RunRow; after: RunRow }> => {
  const before = await lockRun(tx, runId);
  const after = await transit(tx, before, { transition, attempt: null });
  if (!after)
    throw conflict('invalid_transition', `${INTENT_SENTENCE[transition]}; this one is ${before.status}.`);
  tx.audit(`run.${transition}`, 'run', runId, {
    from: before.status,
    to: after.status,
    attempt: after.attempt,
  });
  return { before, after };
};

/** Wakes the workflow of the run's attempt. */
export const poke = (tx: Writer, run: { kind: string; id: string; attempt: number }): void =>
  tx.enqueue({ workflowId: workflowIdOf(run), kind: 'signal', payload: { signal: POKE } });

/**
 * Makes a transition that a workflow reports, once: a repeated report finds what it stored.
 * @returns the status after it, or `undefined` when it was refused.
 */
export const reportOutcome = async (
  tx: Writer,
  run: RunRow,
  path: string,
  change: Change & { attempt: number },
): Promise<RunStatus | undefined> => {
  const key = `${change.attempt}/${path}/${change.transition}`;
  const stored = await tx.maybe<{ result: { status: RunStatus } }>(
    sql`select result from run_transitions where run_id = ${run.id} and key = ${key}`,
  );
  if (stored) return stored.result.status;
  const after = await transit(tx, run, change);
  if (!after) return undefined;
  tx.send(
    sql`insert into run_transitions (run_id, workspace_id, key, result)
        values (${run.id}, ${run.workspace_id}, ${key}, ${JSON.stringify({ status: after.status })})`,
  );
  return after.status;
};
