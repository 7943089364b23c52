import { cleanSection, outlinePrompt, parseOutline, sectionPrompt } from '../../domain/content/prompts.ts';
import { PROGRESS, sectionShare } from '../../domain/content/pipeline.ts';
import type { JsonObject } from '../../domain/json.ts';
import { sql, type Reader } from '../../store/store.ts';
import type { OutlineAnswer, RoundInput, SectionInput } from '../../workflows/content/messages.ts';
import { HELD, isHeld, type Held } from '../../domain/runs/held.ts';
import type { Model } from '../models/model.ts';
import type { ActivityDeps } from '../runtime.ts';
import { askModel, type ModelCall } from './model-step.ts';
import { outlinePath, readRound, sectionPrefix, type Round, type SectionResult } from './round.ts';

interface OutlineResult extends JsonObject {
  readonly headings: readonly string[];
  /** How many of them the model wrote; the others are made by rule. */
  readonly from_model: number;
}

const outlineCall = (round: Round, model: Model): ModelCall<OutlineResult> => ({
  path: outlinePath(round),
  title: 'Outline',
  model,
  prompt: outlinePrompt(round.brief),
  progress: { to: PROGRESS.outline },
  keep: (text) => {
    const { headings, fromModel } = parseOutline(text, round.brief);
    return { headings, from_model: fromModel };
  },
});

/** The headings that the round's outline has stored. */
const readHeadings = async (db: Reader, input: RoundInput, round: Round): Promise<readonly string[]> => {
  const { result } = await db.one<{ result: OutlineResult }>(
    sql`select result from run_steps
         where run_id = ${input.run_id} and attempt = ${input.attempt} and path = ${outlinePath(round)} and status = 'completed'`,
  );
  return result.headings;
};

const sectionCall = (
  round: Round,
  model: Model,
  headings: readonly string[],
  index: number,
): ModelCall<SectionResult> => {
  const heading = headings[index] ?? '';
  return {
    path: `${sectionPrefix(round)}${index}`,
    title: heading,
    model,
    prompt: sectionPrompt({ brief: round.brief, headings, index, feedback: round.feedback }),
    progress: { by: sectionShare(headings.length) },
    keep: (answer) => {
      const text = cleanSection(answer, heading);
      return text === '' ? undefined : { heading, text, model: model.id };
    },
  };
};

/** The pipeline's steps that call a model. */
export const createWritingActivities = (deps: ActivityDeps) => {
  const modelOf = (round: Round): Promise<Model> => deps.models.resolve(round.modelId ?? undefined);
  return {
    /** Lists the article's sections. */
    outline: async (input: RoundInput): Promise<OutlineAnswer | Held> => {
      const result = await askModel(deps, input, async (tx) => {
        const round = await readRound(tx, input);
        return outlineCall(round, await modelOf(round));
      });
      return isHeld(result) ? HELD : { sections: result.headings.length };
    },

    /** Writes one section. */
    draftSection: async (input: SectionInput): Promise<{ done: true } | Held> => {
      const result = await askModel(deps, input, async (tx) => {
        const round = await readRound(tx, input);
        const [model, headings] = await Promise.all([modelOf(round), readHeadings(tx, input, round)]);
        return sectionCall(round, model, headings, input.index);
      });
      return isHeld(result) ? HELD : { done: true };
    },
  };
};

export type WritingActivities = ReturnType<typeof createWritingActivities>;
