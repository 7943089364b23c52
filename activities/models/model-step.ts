import { createHash, randomBytes } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { Prompt } from '../../domain/content/prompts.ts';
import { canonicalJson, type JsonObject } from '../../domain/json.ts';
import { HELD, type Held } from '../../domain/runs/held.ts';
import { whileDatabaseAway } from '../../store/availability.ts';
import { lockBudgets, type Reservation } from '../../store/budgets/reservations.ts';
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
import type { ChosenModel } from './choose-model.ts';
import { openDeltas } from './deltas.ts';
import { isUnsent, modelFailure, type ModelErrorType } from './errors.ts';
import { withHeartbeat } from './heartbeat.ts';
import { generateText, type Generated, type Model } from './model.ts';
import { failureOf, openPaidStep, settleUsage, usageOf, usageOfFailure, worstCaseOf } from './payment.ts';
import { generateStructured } from './structured.ts';
import type { JsonSchema } from './call.ts';

/** A small model sometimes writes nothing that can be used; asked again with more freedom it usually does. */
const TEMPERATURES = [undefined, 0.8, 1] as const;
/** A vendor that falls silent is asked once more. */
const MAX_STALLS = 2;

/** What a step asks: for a text, or for a value of a schema; `keep` says what is stored, or `undefined` when it is of no use. */
export type Question<Result> =
  | { readonly form: 'text'; readonly keep: (text: string) => Result | undefined }
  | {
      readonly form: 'value';
      readonly schema: JsonSchema;
      readonly keep: (value: unknown) => Result | undefined;
    };

/** A step of a run that asks a model. */
export interface ModelStep<Result extends JsonObject> {
  readonly path: string;
  /** For people, while it runs. */
  readonly title: string;
  readonly prompt: Prompt;
  readonly model: ChosenModel;
  readonly question: Question<Result>;
  readonly progress: Progress;
}

const digestOf = ({ model, prompt }: Pick<ModelStep<JsonObject>, 'model' | 'prompt'>): string =>
  createHash('sha256')
    .update(canonicalJson({ model: model.key, ...prompt }))
    .digest('hex');

/** A repaired answer is a second call, whose prompt holds the first answer. */
const extentOf = ({ prompt, question }: ModelStep<JsonObject>) => {
  const bytes = Buffer.byteLength(prompt.system) + Buffer.byteLength(prompt.prompt);
  if (question.form === 'text') return { promptBytes: bytes, outputTokens: prompt.maxOutputTokens };
  const schemaBytes = Buffer.byteLength(JSON.stringify(question.schema));
  const answerBytes = 8 * prompt.maxOutputTokens;
  return { promptBytes: 2 * (bytes + schemaBytes) + answerBytes, outputTokens: 2 * prompt.maxOutputTokens };
};

/** What the database would refuse in any text: NUL, and halves of surrogate pairs. */
const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** The trace of the request that started the run goes on into the vendor's call (W3C Trace Context). */
const traceHeaders = (traceId: string | null): Record<string, string> =>
  traceId === null ? {} : { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };

interface Prepared<Result extends JsonObject> {
  readonly asked: ModelStep<Result>;
  readonly step: StepRef;
  readonly opened: Opened;
  readonly reservation: Reservation | null;
  readonly traceId: string | null;
}

/** Reads what to ask, pays for it and opens the step, in one transaction. */
const prepare = <Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  plan: (tx: Writer) => Promise<ModelStep<Result>>,
): Promise<Prepared<Result>> =>
  writeForRun(deps, input, async (tx) => {
    // Steps of a run go side by side: what one reads must not keep the others from its lock.
    const asked = await plan(tx);
    const [run, budgets] = await Promise.all([lockRun(tx, input.run_id), lockBudgets(tx, input.run_id)]);
    const { path, title } = asked;
    const { model } = asked.model;
    const step = { runId: run.id, attempt: input.attempt, path, digest: digestOf(asked), title };
    const { promptBytes, outputTokens } = extentOf(asked);
    const paid = await openPaidStep(tx, run, step, {
      budgets,
      amount: () => worstCaseOf(model, promptBytes, outputTokens),
      model: { provider: model.provider, model: model.name },
    });
    return { asked, step, traceId: run.trace_id, ...paid };
  });

/** A step that was opened for a call. */
type Opening<Result extends JsonObject> = Prepared<Result> & {
  readonly opened: Extract<Opened, { state: 'open' }>;
};

interface Answered<Result> {
  readonly result: Result | undefined;
  /** Stores the end of the text for those who watch. */
  readonly showRest: (tx: Writer) => void;
}

interface How {
  readonly signal: AbortSignal;
  readonly temperature: number | undefined;
}

/** Makes the step's call and shows the text while it is written. `usage` fills as calls are answered, also when the last one fails. */
const call = async <Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  { asked, step, traceId }: Prepared<Result>,
  { signal, temperature }: How,
  usage: Usage[],
): Promise<Answered<Result>> => {
  const { prompt, question } = asked;
  const { model } = asked.model;
  const request = {
    ...prompt,
    signal,
    headers: traceHeaders(traceId),
    ...(temperature === undefined ? {} : { temperature }),
  };
  const onCall = (made: Generated): void => void usage.push(usageOf(model, made));
  if (question.form === 'value') {
    const { schema, keep } = question;
    const { value } = await generateStructured<Result>(model, { ...request, schema, parse: keep, onCall });
    return { result: value, showRest: () => {} };
  }
  const deltas = openDeltas(deps.store, input, step.path);
  const onDelta = (text: string): void => deltas.push(storable(text));
  try {
    const made = await generateText(model, { ...request, onDelta });
    onCall(made);
    return { result: question.keep(storable(made.text)), showRest: await deltas.end() };
  } finally {
    // Of a text that came to nothing the rest is dropped.
    await deltas.end();
  }
};

/** Books what a call that led to nothing cost, or may have cost, so that nobody takes it for a lost one. */
const bookFailure = (
  deps: ActivityDeps,
  input: RunInput,
  { step, reservation, opened }: Opening<JsonObject>,
  { error, usage }: { readonly error: unknown; readonly usage: readonly Usage[] },
): Promise<void> =>
  writeForRun(deps, input, async (tx) => {
    await failStep(tx, step, {
      call: opened.call,
      error: failureOf(error),
      usage,
      unsent: usage.length === 0 && isUnsent(error),
    });
    await settleUsage(tx, step.runId, reservation, usage);
  });

const nothingUsable = (model: Model): ApplicationFailure =>
  modelFailure('model_rejected', `${model.id} wrote nothing usable in ${TEMPERATURES.length} tries.`);

const isA = (error: unknown, type: ModelErrorType): boolean =>
  error instanceof ApplicationFailure && error.type === type;

/** A stored answer, or why there is none. */
type Tried<Result> = { readonly result: Result } | { readonly error: unknown; readonly isAnswered: boolean };

/** Makes a step's call and stores what came of it. */
const tryOnce = async <Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  prepared: Opening<Result>,
  how: How,
): Promise<Tried<Result>> => {
  const { asked, step, reservation } = prepared;
  const { model } = asked.model;
  const usage: Usage[] = [];
  let isAnswered = false;
  try {
    const { result, showRest } = await call(deps, input, prepared, how, usage);
    isAnswered = true;
    if (result === undefined) throw nothingUsable(model);
    deps.reach('answer/commit');
    // An answer that was given, and costs, is not thrown away because its commit met a database that was away.
    await whileDatabaseAway(how.signal, () =>
      writeForRun(deps, input, async (tx) => {
        await closeStep(tx, step, { result, usage, progress: asked.progress });
        showRest(tx);
        await settleUsage(tx, step.runId, reservation, usage);
      }),
    );
    deps.reach('answer/acknowledgement');
    return { result };
  } catch (error) {
    // Answers of a wrong form are answers: they came, and are in the usage.
    isAnswered ||= isA(error, 'model_rejected') && usage.length > 0;
    if (!isAnswered) usage.push(...usageOfFailure(error, model));
    await whileDatabaseAway(how.signal, () => bookFailure(deps, input, prepared, { error, usage }));
    return { error, isAnswered };
  }
};

/**
 * Does a step that asks a model: a stored result is answered without a call; else the call is paid for, made, streamed to
 * the live log, and stored with its cost before it is answered. An answer of no use, and a vendor that falls silent, are
 * booked and asked again here.
 * @throws ApplicationFailure of the model port, of a budget, or `run_ended`.
 */
export const askModel = <Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  plan: (tx: Writer) => Promise<ModelStep<Result>>,
): Promise<Result | Held> =>
  // From the first moment on: a try that waits for a slow database must not look dead, or a second one joins it.
  withHeartbeat(deps, input, async (signal) => {
    let stalls = 0;
    for (let tries = 0; ;) {
      const prepared = await whileDatabaseAway(signal, () => prepare(deps, input, plan));
      const { asked, opened } = prepared;
      if (opened.state === 'held') return HELD;
      if (opened.state === 'refused') throw runEnded();
      if (opened.state === 'done') return opened.result as Result;
      const how = { signal, temperature: TEMPERATURES[tries] };
      const tried = await tryOnce(deps, input, { ...prepared, opened }, how);
      if ('result' in tried) return tried.result;
      const { error, isAnswered } = tried;
      if (isA(error, 'model_stalled')) {
        if (++stalls < MAX_STALLS) continue;
        throw ApplicationFailure.nonRetryable((error as Error).message, 'model_stalled');
      }
      const isUnusable = asked.question.form === 'text' && isAnswered && isA(error, 'model_rejected');
      if (isUnusable && ++tries < TEMPERATURES.length) continue;
      throw error;
    }
  });
