import { createHash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../../domain/json.ts';
import { HELD, type Held } from '../../domain/runs/held.ts';
import { whileDatabaseAway } from '../../store/availability.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import { closeStep, openStep, type Progress, type StepRef } from '../../store/runs/steps.ts';
import { lockRun } from '../../store/runs/transition.ts';
import type { Writer } from '../../store/store.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { runEnded, writeForRun, type ActivityDeps } from '../runtime.ts';
import { withHeartbeat } from './heartbeat.ts';

/** What a step is to do, once its run's rows have been read. */
export interface WorkPlan<Context> {
  readonly path: string;
  /** For people, while it runs. */
  readonly title: string;
  /** What the result depends on: a step with the same inputs is not done again. */
  readonly inputs: JsonObject;
  readonly context: Context;
}

/** A step of a run whose work lies outside the database and may be done again: reading, computing, drawing. */
export interface Work<Context, Made, Result extends JsonObject> {
  plan(tx: Writer, run: RunRow): Promise<WorkPlan<Context>>;
  /** Outside any transaction. */
  work(context: Context, signal: AbortSignal): Promise<Made>;
  /** Stores what was made, in the transaction that closes the step. @returns what the step answers. */
  store(tx: Writer, made: Made, run: RunRow): Promise<Result>;
  readonly progress: Progress;
}

/**
 * Does such a step: a stored result is answered without work; else it is done, with a heartbeat, and stored before it is
 * answered.
 * @throws ApplicationFailure `run_ended`; what `work` throws.
 */
export const workStep = <Context, Made, Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  { plan, work, store, progress }: Work<Context, Made, Result>,
): Promise<Result | Held> =>
  withHeartbeat(async (signal) => {
    const { planned, step, opened } = await whileDatabaseAway(signal, () =>
      writeForRun(deps, input, async (tx) => {
        const run = await lockRun(tx, input.run_id);
        const planned = await plan(tx, run);
        const digest = createHash('sha256').update(canonicalJson(planned.inputs)).digest('hex');
        const { path, title } = planned;
        const step: StepRef = { runId: run.id, attempt: input.attempt, path, digest, title };
        return { planned, step, opened: await openStep(tx, run, step) };
      }),
    );
    if (opened.state === 'held') return HELD;
    if (opened.state === 'refused') throw runEnded();
    if (opened.state === 'done') return opened.result as Result;
    const made = await work(planned.context, signal);
    return whileDatabaseAway(signal, () =>
      writeForRun(deps, input, async (tx) => {
        const result = await store(tx, made, await lockRun(tx, input.run_id));
        await closeStep(tx, step, { result, progress, detail: result });
        return result;
      }),
    );
  });
