import { createHash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../../domain/json.ts';
import { HELD, type Held } from '../../domain/runs/held.ts';
import { whileDatabaseAway } from '../../store/availability.ts';
import { lockBudgets, type Reservation } from '../../store/budgets/reservations.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import {
  closeStep,
  failStep,
  type Opened,
  type Progress,
  type StepRef,
  type Usage,
} from '../../store/runs/steps.ts';
import { lockRun } from '../../store/runs/transition.ts';
import type { Writer } from '../../store/store.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { runEnded, writeForRun, type ActivityDeps } from '../runtime.ts';
import { withHeartbeat } from './heartbeat.ts';
import { failureOf, openPaidStep, settleUsage, usageOfFailure } from './payment.ts';

/** What a step is to do, once its run's rows have been read. */
export interface WorkPlan<Context> {
  readonly path: string;
  /** For people, while it runs. */
  readonly title: string;
  /** What the result depends on: a step with the same inputs is not done again. */
  readonly inputs: JsonObject;
  readonly context: Context;
  /** Whom it calls who is paid, and the most that it can cost, in micro-dollars, where that is known. */
  readonly paid?: { readonly provider: string; readonly name: string; readonly amount: number | null };
}

/** A step of a run whose work lies outside the database and may be done again: searching, computing, drawing. */
export interface Work<Context, Made, Result extends JsonObject> {
  /** @param around whether a budget limits the run. */
  readonly plan: (
    tx: Writer,
    run: RunRow,
    around: { readonly isLimited: boolean },
  ) => Promise<WorkPlan<Context>>;
  /** Outside any transaction. */
  readonly work: (context: Context, signal: AbortSignal) => Promise<Made>;
  /** Stores what was made, in the transaction that closes the step. @returns what the step answers. */
  readonly store: (tx: Writer, made: Made) => Promise<Result>;
  /** What those who watch are told of it, in a few words. */
  readonly note?: (result: Result) => string | null;
  /** The paid calls that were made. */
  readonly usage?: (made: Made) => Usage[];
  readonly progress: Progress;
}

interface Prepared<Context> {
  readonly planned: WorkPlan<Context>;
  readonly step: StepRef;
  readonly opened: Opened;
  readonly reservation: Reservation | null;
}

const prepare = <Context>(
  deps: ActivityDeps,
  input: RunInput,
  task: Pick<Work<Context, unknown, JsonObject>, 'plan'>,
): Promise<Prepared<Context>> =>
  writeForRun(deps, input, async (tx) => {
    const [run, budgets] = await Promise.all([lockRun(tx, input.run_id), lockBudgets(tx, input.run_id)]);
    const planned = await task.plan(tx, run, { isLimited: budgets.length > 0 });
    const digest = createHash('sha256').update(canonicalJson(planned.inputs)).digest('hex');
    const { path, title, paid } = planned;
    const amount = paid?.amount ?? 0;
    const step: StepRef = { runId: run.id, attempt: input.attempt, path, digest, title };
    const model = paid && { provider: paid.provider, model: paid.name };
    const terms = { budgets, amount: amount > 0 ? () => amount : null, model };
    return { planned, step, ...(await openPaidStep(tx, run, step, terms)) };
  });

/**
 * Does such a step: a stored result is answered without work; else it is done, with a heartbeat, and stored before it is
 * answered.
 * @throws ApplicationFailure `run_ended`; what `work` throws.
 */
export const workStep = <Context, Made, Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  task: Work<Context, Made, Result>,
): Promise<Result | Held> =>
  withHeartbeat(deps, input, async (signal) => {
    const { planned, step, opened, reservation } = await whileDatabaseAway(signal, () =>
      prepare(deps, input, task),
    );
    if (opened.state === 'held') return HELD;
    if (opened.state === 'refused') throw runEnded();
    if (opened.state === 'done') return opened.result as Result;
    let made: Made;
    try {
      made = await task.work(planned.context, signal);
    } catch (error) {
      const usage = planned.paid ? usageOfFailure(error, planned.paid) : [];
      await writeForRun(deps, input, async (tx) => {
        await failStep(tx, step, { call: opened.call, error: failureOf(error), usage });
        await settleUsage(tx, step.runId, reservation, usage);
      });
      throw error;
    }
    return whileDatabaseAway(signal, () =>
      writeForRun(deps, input, async (tx) => {
        // In one round trip, and in this order.
        const [, result] = await Promise.all([lockRun(tx, input.run_id), task.store(tx, made)]);
        const usage = task.usage?.(made) ?? [];
        const told = task.note?.(result) ?? null;
        const detail = told === null ? {} : { note: told };
        await closeStep(tx, step, { result, progress: task.progress, usage, detail });
        await settleUsage(tx, step.runId, reservation, usage);
        return result;
      }),
    );
  });
