import { cleanSection, outlinePrompt, parseOutline, sectionPrompt } from '../../domain/content/prompts.ts';
import { PROGRESS, sectionShare } from '../../domain/content/pipeline.ts';
import type { JsonObject } from '../../domain/json.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { sourcesForPrompt } from '../../domain/research/citations.ts';
import { HELD, isHeld, type Held } from '../../domain/runs/held.ts';
import { listSources } from '../../store/research/sources.repository.ts';
import type { Reader } from '../../store/store.ts';
import type { OutlineAnswer, RoundInput, SectionInput } from '../../workflows/content/messages.ts';
import { chooseModel, type ChosenModel } from '../models/choose-model.ts';
import { askModel, type ModelStep } from '../models/model-step.ts';
import type { ActivityDeps } from '../runtime.ts';
import { pathsOf, readRound, resultOf, type JudgeResult, type Round, type SectionResult } from './round.ts';

const MAX_SOURCE_CHARS = 6_000;

interface OutlineResult extends JsonObject {
  readonly headings: readonly string[];
  /** How many of them the model wrote; the others are made by rule. */
  readonly from_model: number;
}

/** The model that a round's parameters ask for. */
export const modelOf = (
  deps: ActivityDeps,
  db: Reader,
  { parameters, selectedModel: selected }: Round,
): Promise<ChosenModel> =>
  chooseModel(deps.models, db, { named: parameters.model, prefer: parameters.prefer, selected });

/** A round with its model, for a step that depends on what the model is able to. */
export const readRoundWithModel = (
  deps: ActivityDeps,
  input: RoundInput,
): Promise<{ round: Round; model: ChosenModel }> =>
  deps.store.read(workerPrincipal(input.workspace_id), async (db) => {
    const round = await readRound(db, input);
    return { round, model: await modelOf(deps, db, round) };
  });

const outlineStep = (round: Round, model: ChosenModel): ModelStep<OutlineResult> => ({
  path: pathsOf(round).outline,
  title: 'Outline',
  model,
  prompt: outlinePrompt(round.brief),
  progress: { to: PROGRESS.outline },
  question: {
    form: 'text',
    keep: (text) => {
      const { headings, fromModel } = parseOutline(text, round.brief);
      return { headings, from_model: fromModel };
    },
  },
});

/** What is asked of one section in a further pass: the judge's notes on it, or those on the whole. */
const notesFor = (judged: JudgeResult | undefined, index: number): string | null => {
  const notes = judged?.notes ?? [];
  const own = notes.filter(({ section }) => section === index);
  const texts = (own.length > 0 ? own : notes.filter(({ section }) => section === null)).map(
    ({ text }) => text,
  );
  return texts.length === 0 ? null : texts.slice(0, 3).join(' ');
};

/** What the section was in the pass before, and what the judge said of it; nothing in the first pass. */
const readEarlier = async (
  db: Reader,
  input: SectionInput,
  round: Round,
): Promise<{ current: string | null; notes: string | null }> => {
  if (round.pass === 0) return { current: null, notes: null };
  const judged = await resultOf<JudgeResult>(db, input, pathsOf({ ...round, pass: round.pass - 1 }).judge);
  for (let pass = round.pass - 1; pass >= 0; pass--) {
    const section = await resultOf<SectionResult>(
      db,
      input,
      pathsOf({ ...round, pass }).section(input.index),
    );
    if (section) return { current: section.text, notes: notesFor(judged, input.index) };
  }
  return { current: null, notes: notesFor(judged, input.index) };
};

/** A model that is only good for a demonstration takes material for part of its text: it gets the request alone. */
const isAble = ({ model }: ChosenModel): boolean => model.quality === 'standard';

const planSection = async (
  deps: ActivityDeps,
  tx: Reader,
  input: SectionInput,
): Promise<ModelStep<SectionResult>> => {
  const round = await readRound(tx, input);
  const [model, outline, sources, earlier] = await Promise.all([
    modelOf(deps, tx, round),
    resultOf<OutlineResult>(tx, input, pathsOf(round).outline),
    listSources(tx, input.run_id),
    readEarlier(tx, input, round),
  ]);
  const headings = outline?.headings ?? [];
  const heading = headings[input.index] ?? '';
  const { targetWords } = round.parameters;
  return {
    path: pathsOf(round).section(input.index),
    title: heading,
    model,
    prompt: sectionPrompt({
      brief: round.brief,
      headings,
      index: input.index,
      feedback: [round.feedback, earlier.notes].filter(Boolean).join(' ') || null,
      words: targetWords === null ? null : Math.round(targetWords / Math.max(headings.length, 1)),
      ...(isAble(model)
        ? { current: earlier.current, sources: sourcesForPrompt(sources, MAX_SOURCE_CHARS) }
        : {}),
    }),
    progress: round.pass === 0 ? { by: sectionShare(headings.length) } : { to: PROGRESS.composed },
    question: {
      form: 'text',
      keep: (answer) => {
        const text = cleanSection(answer, heading);
        return text === '' ? undefined : { heading, text, model: model.model.id };
      },
    },
  };
};

/** The pipeline's steps that write. */
export const createWritingActivities = (deps: ActivityDeps) => ({
  /** Lists the article's sections. */
  outline: async (input: RoundInput): Promise<OutlineAnswer | Held> => {
    const result = await askModel(deps, input, async (tx) => {
      const round = await readRound(tx, input);
      return outlineStep(round, await modelOf(deps, tx, round));
    });
    return isHeld(result) ? HELD : { sections: result.headings.length };
  },

  /** Writes one section, or in a further pass revises it. */
  draftSection: async (input: SectionInput): Promise<{ done: true } | Held> => {
    const result = await askModel(deps, input, (tx) => planSection(deps, tx, input));
    return isHeld(result) ? HELD : { done: true };
  },
});
