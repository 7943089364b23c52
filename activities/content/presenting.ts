import { parseSeo, SEO_SCHEMA, seoByRule, seoPrompt, type SeoFields } from '../../domain/content/seo.ts';
import { PROGRESS } from '../../domain/content/pipeline.ts';
import type { JsonObject } from '../../domain/json.ts';
import { imageUrl, originalName } from '../../domain/media/image.ts';
import { isHeld, type Held } from '../../domain/runs/held.ts';
import { whileDatabaseAway } from '../../store/availability.ts';
import { requireRevision } from '../../store/content/content.repository.ts';
import { closeStep, openStep } from '../../store/runs/steps.ts';
import type { Reader } from '../../store/store.ts';
import type { RoundInput } from '../../workflows/content/messages.ts';
import { imageStep } from '../media/image-step.ts';
import type { ChosenModel } from '../models/choose-model.ts';
import { isRejection } from '../models/errors.ts';
import { withHeartbeat } from '../models/heartbeat.ts';
import { askModel } from '../models/model-step.ts';
import { stepForRun, type ActivityDeps } from '../runtime.ts';
import { bestRevision } from './best.ts';
import { IMAGE_PATH, pathsOf, readRound, type Round } from './round.ts';
import { readRoundWithModel } from './writing.ts';

/** What a step that describes has stored. */
export interface DescribeResult extends JsonObject {
  readonly seo_title: string;
  readonly seo_description: string;
  readonly excerpt: string;
  /** `provider:name`, or `rule`. */
  readonly by: string;
}

/** What a step that illustrates has stored. */
export interface IllustrateResult extends JsonObject {
  readonly image_id: string | null;
  readonly url: string | null;
  /** `title_card` or `provider:name`. */
  readonly by: string | null;
  /** Why it is a title card although a model is configured. */
  readonly note: string | null;
}

const toResult = (fields: SeoFields, by: string): DescribeResult => ({
  seo_title: fields.seoTitle,
  seo_description: fields.seoDescription,
  excerpt: fields.excerpt,
  by,
});

/** The text that the round ends with. */
const readBest = async (
  db: Reader,
  runId: string,
  round: Round,
): Promise<{ title: string; body: string; digest: string }> => {
  const { content_id: contentId, revision } = await bestRevision(db, runId, round);
  const { title, body } = await requireRevision(db, contentId, revision);
  return { title, body, digest: `${contentId}/${revision}` };
};

const askDescription = (
  deps: ActivityDeps,
  input: RoundInput,
  round: Round,
  model: ChosenModel,
): Promise<DescribeResult | Held> =>
  askModel<DescribeResult>(deps, input, async (tx) => {
    const { title, body } = await readBest(tx, input.run_id, round);
    return {
      path: pathsOf(round).describe,
      title: 'Describe',
      model,
      prompt: seoPrompt(title, body, round.brief.primaryKeyword ?? null),
      progress: { to: PROGRESS.judged },
      question: {
        form: 'value',
        schema: SEO_SCHEMA,
        keep: (value) => {
          const fields = parseSeo(value);
          return fields && toResult(fields, model.model.id);
        },
      },
    };
  });

/** By rule: nothing is asked of anybody, so it takes one transaction. */
const describeByRule = (
  deps: ActivityDeps,
  input: RoundInput,
  round: Round,
): Promise<DescribeResult | Held> =>
  withHeartbeat(deps, input, (signal) =>
    whileDatabaseAway(signal, () =>
      stepForRun(deps, input, async (tx, run) => {
        const { title, body, digest } = await readBest(tx, run.id, round);
        const path = pathsOf(round).describe;
        const step = { runId: run.id, attempt: input.attempt, path, digest, title: 'Describe' };
        const opened = await openStep(tx, run, step);
        if (opened.state === 'done') return opened.result as DescribeResult;
        const result = toResult(seoByRule(title, body), 'rule');
        await closeStep(tx, step, { result, progress: { to: PROGRESS.judged } });
        return result;
      }),
    ),
  );

/** By the model where it is able; by rule where it is not, or gave nothing that can be used. */
const describe = async (deps: ActivityDeps, input: RoundInput): Promise<DescribeResult | Held> => {
  const { round, model } = await readRoundWithModel(deps, input);
  if (model.model.quality !== 'standard') return describeByRule(deps, input, round);
  try {
    return await askDescription(deps, input, round, model);
  } catch (error) {
    if (!isRejection(error)) throw error;
    return describeByRule(deps, input, round);
  }
};

const illustrate = (deps: ActivityDeps, input: RoundInput): Promise<IllustrateResult | Held> =>
  imageStep<IllustrateResult>(deps, input, {
    order: async (tx) => {
      const { title, brief, parameters } = await readRound(tx, input);
      const isWanted = parameters.image !== 'none';
      const { category = null, topic, style = null } = brief;
      return {
        path: IMAGE_PATH,
        title: 'Illustrate',
        inputs: isWanted ? { title, category, topic, style } : {},
        wish: isWanted ? { prompt: topic, title, category, style: null, alt: null } : null,
      };
    },
    answer: ([row], note) => {
      if (!row) return { image_id: null, url: null, by: null, note: null };
      const url = imageUrl(deps.publicUrl, row.id, originalName(row.content_type));
      return { image_id: row.id, url, by: row.model ?? row.origin, note };
    },
    note: ({ note }) => note,
    progress: { by: 0 },
  });

/** The pipeline's steps that say how a text presents itself. */
export const createPresentingActivities = (deps: ActivityDeps) => ({
  /** Writes search title, description and excerpt: by the model where it is able, else by rule. */
  describe: async (input: RoundInput): Promise<{ by: string } | Held> => {
    const result = await describe(deps, input);
    return isHeld(result) ? result : { by: result.by };
  },

  /** Makes the run's image, once: by the configured model, else a title card. */
  illustrate: async (input: RoundInput): Promise<{ image_id: string | null } | Held> => {
    const result = await illustrate(deps, input);
    return isHeld(result) ? result : { image_id: result.image_id };
  },
});
