import { cleanSection, outlinePrompt, parseOutline, sectionPrompt } from '../../domain/content/prompts.ts';
import type { JsonObject } from '../../domain/json.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { HELD, isHeld, type Held } from '../../domain/runs/held.ts';
import { composed, countWords, creativePrompt, creativeWish } from '../../domain/subtasks/creative.ts';
import { ANSWER_PATH } from '../../domain/subtasks/subtask.ts';
import { closeStep, openStep } from '../../store/runs/steps.ts';
import type { Reader } from '../../store/store.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import type { PartInput } from '../../workflows/subtasks/messages.ts';
import { resultOf, type SectionResult } from '../content/round.ts';
import { askModel, type ModelStep } from '../models/model-step.ts';
import { stepForRun, type ActivityDeps } from '../runtime.ts';
import { modelOfSubtask, readRequest } from './request.ts';

const OUTLINE_PATH = 'outline';
const partPath = (index: number): string => `part/${index}`;

const PROGRESS = { outline: 10, written: 90, done: 95 } as const;

interface Written extends JsonObject {
  readonly content: string;
  readonly words: number;
  /** `provider:name`. */
  readonly model: string;
}

/** Texts stay in the database: the workflow's history holds what they are like. */
type WrittenAnswer = { readonly words: number; readonly model: string };

const answerWith = ({ words, model }: Written): WrittenAnswer => ({ words, model });

const written = (content: string, model: string): Written => ({ content, words: countWords(content), model });

const wishOf = async (db: Reader, { run_id: runId }: RunInput) => creativeWish(await readRequest(db, runId));

const headingsOf = async (db: Reader, input: RunInput): Promise<readonly string[]> =>
  (await resultOf<{ headings: readonly string[] }>(db, input, OUTLINE_PATH))?.headings ?? [];

const outlineText = async (deps: ActivityDeps, input: RunInput): Promise<{ sections: number } | Held> => {
  const atOnce = await deps.store.read(workerPrincipal(input.workspace_id), async (db) => {
    const [wish, { model }] = await Promise.all([wishOf(db, input), modelOfSubtask(deps, db)]);
    return !wish.isLong || model.quality === 'standard';
  });
  if (atOnce) return { sections: 0 };
  const result = await askModel<{ headings: readonly string[] }>(deps, input, async (tx) => {
    const [{ brief }, model] = await Promise.all([wishOf(tx, input), modelOfSubtask(deps, tx)]);
    return {
      path: OUTLINE_PATH,
      title: 'Outline',
      model,
      prompt: outlinePrompt(brief),
      progress: { to: PROGRESS.outline },
      question: { form: 'text', keep: (text) => ({ headings: parseOutline(text, brief).headings }) },
    };
  });
  return isHeld(result) ? HELD : { sections: result.headings.length };
};

const writeText = async (deps: ActivityDeps, input: RunInput): Promise<WrittenAnswer | Held> => {
  const result = await askModel<Written>(deps, input, async (tx) => {
    const [wish, model] = await Promise.all([wishOf(tx, input), modelOfSubtask(deps, tx)]);
    return {
      path: ANSWER_PATH,
      title: 'Write',
      model,
      prompt: creativePrompt(wish),
      progress: { to: PROGRESS.done },
      question: {
        form: 'text',
        keep: (answer) => {
          const text = cleanSection(answer);
          return text === '' ? undefined : written(text, model.model.id);
        },
      },
    };
  });
  return isHeld(result) ? HELD : answerWith(result);
};

const planPart = async (
  deps: ActivityDeps,
  tx: Reader,
  input: PartInput,
): Promise<ModelStep<SectionResult>> => {
  const [{ brief, words }, headings, model] = await Promise.all([
    wishOf(tx, input),
    headingsOf(tx, input),
    modelOfSubtask(deps, tx),
  ]);
  const { index } = input;
  const heading = headings[index] ?? '';
  return {
    path: partPath(index),
    title: heading,
    model,
    prompt: sectionPrompt({ brief, headings, index, words: Math.round(words / headings.length) }),
    progress: { by: Math.floor((PROGRESS.written - PROGRESS.outline) / headings.length) },
    question: {
      form: 'text',
      keep: (answer) => {
        const text = cleanSection(answer, heading);
        return text === '' ? undefined : { heading, text, model: model.model.id };
      },
    },
  };
};

const composeText = (deps: ActivityDeps, input: RunInput): Promise<WrittenAnswer | Held> =>
  stepForRun(deps, input, async (tx, run) => {
    const { attempt } = input;
    const step = { runId: run.id, attempt, path: ANSWER_PATH, digest: 'composed', title: 'Compose' };
    const opened = await openStep(tx, run, step);
    if (opened.state === 'done') return answerWith(opened.result as unknown as Written);
    const headings = await headingsOf(tx, input);
    const parts = await Promise.all(
      headings.map((_, index) => resultOf<SectionResult>(tx, input, partPath(index))),
    );
    const sections = parts.filter((part) => part !== undefined);
    const result = written(composed(sections), sections[0]?.model ?? '');
    await closeStep(tx, step, { result, progress: { to: PROGRESS.done } });
    return answerWith(result);
  });

/** The steps of a creative subtask. */
export const createCreativeSubtask = (deps: ActivityDeps) => ({
  /** Lists the sections of a text that its model can't write at once; none for one that it can. */
  outlineText: (input: RunInput) => outlineText(deps, input),

  /** Writes the whole text with one call. */
  writeText: (input: RunInput) => writeText(deps, input),

  /** Writes one section. */
  writePart: async (input: PartInput): Promise<{ done: true } | Held> => {
    const result = await askModel(deps, input, (tx) => planPart(deps, tx, input));
    return isHeld(result) ? HELD : { done: true };
  },

  /** Makes the sections into one text. */
  composeText: (input: RunInput) => composeText(deps, input),
});
