import { createHash, randomBytes } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { Prompt } from '../../domain/content/prompts.ts';
import { canonicalJson, type JsonObject } from '../../domain/json.ts';
import {
  closeStep,
  openStep,
  type Opened,
  type Progress,
  type StepRef,
  type Usage,
} from '../../store/runs/steps.ts';
import { lockRun } from '../../store/runs/transition.ts';
import { whileDatabaseAway } from '../../store/availability.ts';
import type { Writer } from '../../store/store.ts';
import { HELD, type Held } from '../../domain/runs/held.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { modelFailure } from '../models/errors.ts';
import { generateText, type Generated, type Model } from '../models/model.ts';
import { runEnded, writeForRun, type ActivityDeps } from '../runtime.ts';
import { openDeltas, type Deltas } from './deltas.ts';

const HEARTBEAT_MS = 500;
/** A small model sometimes writes nothing that can be used; asked again with more freedom it usually does. */
const TEMPERATURES = [undefined, 0.8, 1] as const;

/** One model call that is a step of a run: what to ask, and what to keep of the answer. */
export interface ModelCall<Result extends JsonObject> {
  readonly path: string;
  /** For people, while it runs. */
  readonly title: string;
  readonly prompt: Prompt;
  readonly model: Model;
  /** What the step stores; `undefined` when the answer is of no use. */
  readonly keep: (text: string) => Result | undefined;
  readonly progress: Progress;
}

const digestOf = ({ model, prompt }: Pick<ModelCall<JsonObject>, 'model' | 'prompt'>): string =>
  createHash('sha256')
    .update(canonicalJson({ model: model.id, ...prompt }))
    .digest('hex');

/** Micro-dollars; `null` when nobody has configured the model's price. */
const costOf = (model: Model, tokensIn: number, tokensOut: number): number | null =>
  model.price === null
    ? null
    : Math.round((tokensIn * model.price.inputPerMtok + tokensOut * model.price.outputPerMtok) / 1_000_000);

const usageOf = (model: Model, calls: readonly Generated[]): Usage => {
  const sum = (pick: (call: Generated) => number): number =>
    calls.reduce((total, call) => total + pick(call), 0);
  const tokensIn = sum(({ usage }) => usage.inputTokens);
  const tokensOut = sum(({ usage }) => usage.outputTokens);
  return {
    provider: model.provider,
    model: model.name,
    tokensIn,
    tokensOut,
    tokensCached: sum(({ usage }) => usage.cachedInputTokens),
    costMicros: costOf(model, tokensIn, tokensOut),
    latencyMs: sum(({ latencyMs }) => latencyMs),
  };
};

/** Keeps the activity's heart beating while `work` runs: that is how a cancellation reaches it within a second. */
const withHeartbeat = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
};

/** What the database would refuse in any text: NUL, and halves of surrogate pairs. */
const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** The trace of the request that started the run goes on into the vendor's call (W3C Trace Context). */
const traceHeaders = (traceId: string | null): Record<string, string> =>
  traceId === null ? {} : { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };

/** Asks until something usable comes back, and shows the text while it is written. */
const generate = async <Result extends JsonObject>(
  call: ModelCall<Result>,
  how: { signal: AbortSignal; headers: Record<string, string> },
  deltas: Deltas,
): Promise<{ result: Result; calls: Generated[] }> => {
  const calls: Generated[] = [];
  try {
    for (const temperature of TEMPERATURES) {
      const request = { ...call.prompt, ...how, onDelta: deltas.push };
      calls.push(
        await generateText(call.model, temperature === undefined ? request : { ...request, temperature }),
      );
      const result = call.keep(storable(calls.at(-1)?.text ?? ''));
      if (result) return { result, calls };
    }
  } finally {
    await deltas.close();
  }
  throw modelFailure('model_rejected', `${call.model.id} wrote nothing usable in ${calls.length} tries.`);
};

/** Reads what to ask, in the same round trip as the run's lock, and opens the step, in one transaction. */
const prepare = <Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  plan: (tx: Writer) => Promise<ModelCall<Result>>,
): Promise<{ call: ModelCall<Result>; step: StepRef; opened: Opened; traceId: string | null }> =>
  writeForRun(deps, input, async (tx) => {
    const [run, call] = await Promise.all([lockRun(tx, input.run_id), plan(tx)]);
    const { path, title, model } = call;
    const step = { runId: run.id, attempt: input.attempt, path, digest: digestOf(call), title };
    return {
      call,
      step,
      traceId: run.trace_id,
      opened: await openStep(tx, run, step, { provider: model.provider, model: model.name }),
    };
  });

/**
 * Does a step that calls a model: a stored result is answered without a call; else the call is made, streamed to the live
 * log, and stored with its cost before it is answered.
 * @throws ApplicationFailure of the model port, or `run_ended`.
 */
export const askModel = async <Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  plan: (tx: Writer) => Promise<ModelCall<Result>>,
): Promise<Result | Held> =>
  // From the first moment on: a try that waits for a slow database must not look dead, or a second one joins it.
  withHeartbeat(async (signal) => {
    const { call, step, opened, traceId } = await whileDatabaseAway(signal, () => prepare(deps, input, plan));
    if (opened.state === 'held') return HELD;
    if (opened.state === 'refused') throw runEnded();
    if (opened.state === 'done') return opened.result as Result;
    const deltas = openDeltas(deps.store, input, step.path);
    const { result, calls } = await generate(call, { signal, headers: traceHeaders(traceId) }, deltas);
    deps.reach('answer/commit');
    const outcome = { result, usage: usageOf(call.model, calls), progress: call.progress };
    // An answer that was given, and costs, is not thrown away because its commit met a database that was away.
    await whileDatabaseAway(signal, () => writeForRun(deps, input, (tx) => closeStep(tx, step, outcome)));
    return result;
  });
