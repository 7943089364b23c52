import { checkContent, qualityScore, type Check } from '../../domain/content/checks.ts';
import { measureQuality } from '../../domain/content/quality.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { isHeld, type Held } from '../../domain/runs/held.ts';
import {
  mergeIssues,
  ownSources,
  parseReview,
  REVIEW_SCHEMA,
  reviewPrompt,
  titleIn,
  unchecked,
  type FoundIssue,
} from '../../domain/subtasks/qa.ts';
import { ANSWER_PATH } from '../../domain/subtasks/subtask.ts';
import type { Reader } from '../../store/store.ts';
import { materialOf } from '../../store/subtasks/subtasks.repository.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { readabilityOf } from '../content/judge/readability.ts';
import { resultOf } from '../content/round.ts';
import { askModel } from '../models/model-step.ts';
import { workStep } from '../models/work-step.ts';
import type { ActivityDeps } from '../runtime.ts';
import { ableModel, modelOfSubtask, readRequest, unlessUseless } from './request.ts';

const REVIEW_PATH = 'review';

interface Review extends JsonObject {
  readonly issues: Json;
  /** `provider:name`. */
  readonly model: string;
}

interface Checked extends JsonObject {
  readonly issues: Json;
  readonly quality_score: number;
  readonly basis: string;
  readonly unchecked: Json;
}

interface Material {
  readonly content: string;
  readonly checks: readonly Check[];
}

const readMaterial = async (db: Reader, runId: string): Promise<Material> => {
  const [request, content] = await Promise.all([readRequest(db, runId), materialOf(db, runId)]);
  return { content, checks: request['checks'] as unknown as readonly Check[] };
};

const json = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;

const askReview = (deps: ActivityDeps, input: RunInput): Promise<Review | Held> =>
  askModel<Review>(deps, input, async (tx) => {
    const [{ content, checks }, model] = await Promise.all([
      readMaterial(tx, input.run_id),
      modelOfSubtask(deps, tx),
    ]);
    return {
      path: REVIEW_PATH,
      title: 'Review by the model',
      model,
      prompt: reviewPrompt(content, checks),
      progress: { to: 60 },
      question: {
        form: 'value',
        schema: REVIEW_SCHEMA,
        keep: (value) => {
          const issues = parseReview(value, content, checks);
          return issues && { issues: json(issues), model: model.model.id };
        },
      },
    };
  });

/** Everything about a text that code can measure, together with what a model found. */
const check = ({ content, checks }: Material, review: Review | undefined): Checked => {
  const sources = ownSources(content);
  const found = checkContent(content, checks, { sources });
  const measured = measureQuality({
    title: titleIn(content),
    body: content,
    keyword: null,
    targetWords: null,
    readability: readabilityOf(content),
    citations: { used: [], known: sources },
    nearest: null,
  });
  const issues = mergeIssues(found.issues, (review?.issues ?? []) as unknown as FoundIssue[]);
  const by = review ? `code and ${review.model}` : 'code alone: no model that is able to judge answered';
  return {
    issues: json(issues),
    quality_score: qualityScore(
      measured.score,
      issues.map((issue) => ({ ...issue, line: issue.line ?? 0 })),
    ),
    basis: `Measured by code (${measured.score}), less what the issues cost; these were found by ${by}.`,
    unchecked: json(unchecked(found.unchecked, { reviewed: review !== undefined, content })),
  };
};

/** The steps of a QA subtask. */
export const createQaSubtask = (deps: ActivityDeps) => ({
  /** Has the model read the text, where it is able to find anything. */
  reviewText: async (input: RunInput): Promise<{ by: string | null } | Held> => {
    const model = await deps.store.read(workerPrincipal(input.workspace_id), (db) => ableModel(deps, db));
    if (!model?.model.abilities.includes('structured_output')) return { by: null };
    const review = await unlessUseless(askReview(deps, input));
    if (review === null) return { by: null };
    return isHeld(review) ? review : { by: review.model };
  },

  /** Checks the text by rule and puts together what was found. */
  checkText: async (input: RunInput): Promise<{ issues: number; quality_score: number } | Held> => {
    const result = await workStep<{ material: Material; review: Review | undefined }, Checked, Checked>(
      deps,
      input,
      {
        plan: async (tx) => {
          const material = await readMaterial(tx, input.run_id);
          const review = await resultOf<Review>(tx, input, REVIEW_PATH);
          const inputs = { review: review?.model ?? null };
          return { path: ANSWER_PATH, title: 'Check', inputs, context: { material, review } };
        },
        work: async ({ material, review }) => check(material, review),
        store: async (_tx, checked) => checked,
        progress: { to: 95 },
      },
    );
    if (isHeld(result)) return result;
    return { issues: (result.issues as readonly Json[]).length, quality_score: result.quality_score };
  },
});
