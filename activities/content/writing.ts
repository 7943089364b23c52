import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import {
  cleanSection,
  outlinePrompt,
  parseOutline,
  sectionPrompt,
  type Prompt,
} from '../../domain/content/prompts.ts';
import { PROGRESS, sectionProgress } from '../../domain/content/pipeline.ts';
import { canonicalJson, type JsonObject } from '../../domain/json.ts';
import { lockRun } from '../../store/runs/transition.ts';
import { closeStep, openStep, type Opened, type StepRef, type Usage } from '../../store/runs/steps.ts';
import { sql } from '../../store/store.ts';
import type { OutlineAnswer, RoundInput, SectionInput } from '../../workflows/content/messages.ts';
import { HELD, type Held, type RunInput } from '../../workflows/runs/messages.ts';
import { generateText, type Generated, type Model } from '../models/model.ts';
import { insist, runEnded, writeForRun, type ActivityDeps } from '../runtime.ts';
import { openDeltas } from './deltas.ts';
import { outlinePath, readRound, type Round } from './round.ts';

const HEARTBEAT_MS = 500;

const digestOf = (model: Model, prompt: Prompt): string =>
  createHash('sha256')
    .update(canonicalJson({ model: model.id, ...prompt }))
    .digest('hex');

const costOf = (model: Model, generated: Generated): number | null => {
  if (model.price === null) return null;
  const { inputTokens, outputTokens } = generated.usage;
  return Math.round(
    (inputTokens * model.price.inputPerMtok + outputTokens * model.price.outputPerMtok) / 1_000_000,
  );
};

const usageOf = (model: Model, generated: Generated): Usage => ({
  provider: model.provider,
  model: model.name,
  tokensIn: generated.usage.inputTokens,
  tokensOut: generated.usage.outputTokens,
  tokensCached: generated.usage.cachedInputTokens,
  costMicros: costOf(model, generated),
  latencyMs: generated.latencyMs,
});

/** One model call that is a step of a run: what to ask, and what to keep of the answer. */
interface Call {
  readonly path: string;
  readonly title: string;
  readonly prompt: Prompt;
  readonly progress: (result: JsonObject) => number;
  readonly keep: (text: string) => JsonObject;
}

type Prepared = {
  readonly call: Call;
  readonly model: Model;
  readonly opened: Opened;
  readonly step: StepRef;
};

/** Reads what to ask and opens the step, in one transaction; a stored result ends it there. */
const prepare = (
  deps: ActivityDeps,
  input: RoundInput,
  model: (id: string | null) => Promise<Model>,
  plan: (round: Round, outline: OutlineResult | null) => Call,
): Promise<Prepared> =>
  writeForRun(deps, input, async (tx) => {
    const run = await lockRun(tx, input.run_id);
    const round = await readRound(tx, run, input.round);
    const outline = await tx.maybe<{ result: OutlineResult }>(
      sql`select result from run_steps where run_id = ${run.id} and attempt = ${run.attempt} and path = ${outlinePath(round)} and status = 'completed'`,
    );
    const call = plan(round, outline?.result ?? null);
    const chosen = await model(round.modelId);
    const step = {
      runId: run.id,
      attempt: input.attempt,
      path: call.path,
      digest: digestOf(chosen, call.prompt),
      title: call.title,
    };
    return {
      call,
      model: chosen,
      step,
      opened: await openStep(tx, step, { provider: chosen.provider, model: chosen.name }),
    };
  });

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

interface OutlineResult extends JsonObject {
  readonly headings: readonly string[];
  readonly from_model: number;
}

const planOutline = (round: Round): Call => ({
  path: outlinePath(round),
  title: 'Outline',
  prompt: outlinePrompt(round.brief),
  progress: () => PROGRESS.outline,
  keep: (text) => {
    const { headings, fromModel } = parseOutline(text, round.brief);
    return { headings, from_model: fromModel };
  },
});

const planSection =
  (index: number) =>
  (round: Round, outline: OutlineResult | null): Call => {
    const headings = outline?.headings ?? [];
    const heading = headings[index] ?? '';
    return {
      path: `draft.${round.key}/${index}`,
      title: heading,
      prompt: sectionPrompt({ brief: round.brief, headings, index, feedback: round.feedback }),
      progress: () => sectionProgress(index, headings.length),
      keep: (text) => ({ heading, text: cleanSection(text) }),
    };
  };

/** The pipeline's steps that call a model: cancellable, streamed to the live log, stored before they are answered. */
export const createWritingActivities = (deps: ActivityDeps) => {
  const resolve = (id: string | null): Promise<Model> => deps.models.resolve(id ?? undefined);

  const ask = async (
    input: RoundInput,
    plan: (round: Round, outline: OutlineResult | null) => Call,
  ): Promise<JsonObject | Held> => {
    const { call, model, opened, step } = await prepare(deps, input, resolve, plan);
    if (opened.state === 'held') return HELD;
    if (opened.state === 'refused') throw runEnded();
    if (opened.state === 'done') return opened.result as JsonObject;
    return withHeartbeat(async (signal) => {
      const deltas = openDeltas(deps.store, input, step.path);
      let generated: Generated;
      try {
        generated = await generateText(model, { ...call.prompt, signal, onDelta: deltas.push });
      } finally {
        await deltas.close();
      }
      deps.reach('answer/commit');
      const result = call.keep(generated.text);
      await insist(signal, () =>
        writeForRun(deps, input, (tx) =>
          closeStep(tx, step, { result, usage: usageOf(model, generated), progress: call.progress(result) }),
        ),
      );
      return result;
    });
  };

  return {
    /** Lists the article's sections. */
    outline: async (input: RoundInput): Promise<OutlineAnswer | Held> => {
      const result = await ask(input, planOutline);
      return 'held' in result ? HELD : { sections: (result as OutlineResult).headings.length };
    },

    /** Writes one section. */
    draftSection: async (input: SectionInput): Promise<{ done: true } | Held> => {
      const result = await ask(input, planSection(input.index));
      return 'held' in result ? HELD : { done: true };
    },
  };
};

export type WritingActivities = ReturnType<typeof createWritingActivities>;
export type { RunInput };
