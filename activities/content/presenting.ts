import { parseSeo, SEO_SCHEMA, seoByRule, seoPrompt, type SeoFields } from '../../domain/content/seo.ts';
import { PROGRESS } from '../../domain/content/pipeline.ts';
import type { JsonObject } from '../../domain/json.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { imageUrl, originalName } from '../../domain/media/image.ts';
import { isHeld, type Held } from '../../domain/runs/held.ts';
import { requireRevision } from '../../store/content/content.repository.ts';
import type { Reader } from '../../store/store.ts';
import type { RoundInput } from '../../workflows/content/messages.ts';
import { imageStep } from '../media/image-step.ts';
import { isRejection } from '../models/errors.ts';
import { askModel } from '../models/model-step.ts';
import { workStep } from '../models/work-step.ts';
import type { ActivityDeps } from '../runtime.ts';
import { bestRevision } from './best.ts';
import { IMAGE_PATH, pathsOf, readRound, type Round } from './round.ts';
import { modelOf } from './writing.ts';

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

const readDescribed = async (
  deps: ActivityDeps,
  db: Reader,
  input: RoundInput,
): Promise<{ round: Round; title: string; body: string; model: Awaited<ReturnType<typeof modelOf>> }> => {
  const round = await readRound(db, input);
  const best = await bestRevision(db, input.run_id, round);
  const { title, body } = await requireRevision(db, best.content_id, best.revision);
  return { round, title, body, model: await modelOf(deps, db, round) };
};

const describeByModel = (deps: ActivityDeps, input: RoundInput): Promise<DescribeResult | Held> =>
  askModel<DescribeResult>(deps, input, async (tx) => {
    const { round, title, body, model } = await readDescribed(deps, tx, input);
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

const describeByRule = (deps: ActivityDeps, input: RoundInput): Promise<DescribeResult | Held> =>
  workStep<SeoFields, SeoFields, DescribeResult>(deps, input, {
    plan: async (tx) => {
      const { round, title, body } = await readDescribed(deps, tx, input);
      const fields = seoByRule(title, body);
      return { path: pathsOf(round).describe, title: 'Describe', inputs: { ...fields }, context: fields };
    },
    work: async (fields) => fields,
    store: async (_tx, fields) => toResult(fields, 'rule'),
    progress: { to: PROGRESS.judged },
  });

/** By the model where it is able; by rule where it is not, or gave nothing that can be used. */
const describe = async (deps: ActivityDeps, input: RoundInput): Promise<DescribeResult | Held> => {
  const { model } = await deps.store.read(workerPrincipal(input.workspace_id), (db) =>
    readDescribed(deps, db, input),
  );
  if (model.model.quality !== 'standard') return describeByRule(deps, input);
  try {
    return await describeByModel(deps, input);
  } catch (error) {
    if (!isRejection(error)) throw error;
    return describeByRule(deps, input);
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
