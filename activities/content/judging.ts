import { sectionsToRevise, PROGRESS } from '../../domain/content/pipeline.ts';
import type { Draft } from '../../domain/content/revision.ts';
import {
  combineVerdict,
  measureQuality,
  passes,
  type Measured,
  type Note,
} from '../../domain/content/quality.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { checkCitations } from '../../domain/research/citations.ts';
import type { Source } from '../../domain/research/source.ts';
import { HELD, isHeld, type Held } from '../../domain/runs/held.ts';
import { runStream } from '../../domain/runs/run.ts';
import { requireRevision } from '../../store/content/content.repository.ts';
import {
  nearestPost,
  postsWithoutEmbedding,
  storeEmbedding,
  storeJudgement,
} from '../../store/content/quality.repository.ts';
import { listSources } from '../../store/research/sources.repository.ts';
import type { Reader, Writer } from '../../store/store.ts';
import type { JudgeAnswer, JudgeInput } from '../../workflows/content/messages.ts';
import { isRejection } from '../models/errors.ts';
import type { ChosenModel } from '../models/choose-model.ts';
import { askModel } from '../models/model-step.ts';
import { EMBEDDING_MODEL } from '../models/providers/embeddings.ts';
import { workStep } from '../models/work-step.ts';
import type { ActivityDeps } from '../runtime.ts';
import { readabilityOf } from './judge/readability.ts';
import { embedArticle, type ArticleEmbedding } from './judge/similarity.ts';
import { parseVerdict, VERDICT_SCHEMA, verdictPrompt, type ModelVerdict } from './judge/verdict.ts';
import { pathsOf, resultOf, type JudgeResult, type Round } from './round.ts';
import { readRoundWithModel } from './writing.ts';

/** How far a draft may be from the length that was asked for. */
const LENGTH_SLACK = { least: 0.75, most: 1.35 };

interface Material {
  readonly round: Round;
  readonly draft: Draft;
  readonly sources: readonly Source[];
  /** How many sections the round has; what comes behind them in the text is the list of sources. */
  readonly sections: number;
}

const readMaterial = async (db: Reader, input: JudgeInput, round: Round): Promise<Material> => {
  const [draft, sources, outline] = await Promise.all([
    requireRevision(db, input.content_id, input.revision),
    listSources(db, input.run_id),
    resultOf<{ headings: readonly string[] }>(db, input, pathsOf(round).outline),
  ]);
  return { round, draft, sources, sections: outline?.headings.length ?? 0 };
};

type StoredVerdict = ModelVerdict & { readonly modelId: string };

/** The verdict of the run's own model, where it is able to judge; `null` where it is not. */
const askVerdict = async (
  deps: ActivityDeps,
  input: JudgeInput,
  round: Round,
  model: ChosenModel,
): Promise<StoredVerdict | null | Held> => {
  const { quality, abilities } = model.model;
  if (quality !== 'standard' || !abilities.includes('structured_output')) return null;
  const verdict = await askModel<JsonObject>(deps, input, async (tx) => {
    const { draft, sections } = await readMaterial(tx, input, round);
    const { topic: _topic, primaryKeyword: keyword = null, targetAudience: audience = null } = round.brief;
    return {
      path: pathsOf(round).verdict,
      title: 'Verdict of the model',
      model,
      prompt: verdictPrompt({ title: draft.title, body: draft.body, keyword, audience }),
      progress: { to: PROGRESS.composed },
      question: {
        form: 'value',
        schema: VERDICT_SCHEMA,
        keep: (value) => {
          const parsed = parseVerdict(value, sections);
          return (
            parsed && { ...parsed, notes: parsed.notes.map((note) => ({ ...note })), modelId: model.model.id }
          );
        },
      },
    };
  });
  return isHeld(verdict) ? HELD : (verdict as unknown as StoredVerdict);
};

interface Seen {
  readonly measured: Measured;
  readonly embedding: ArticleEmbedding;
}

/** Posts without a vector, such as those that people wrote, get theirs when there is something to compare with them. */
const BACKFILL = 5;

const embedPosts = async (deps: ActivityDeps, input: JudgeInput, signal: AbortSignal): Promise<void> => {
  const principal = workerPrincipal(input.workspace_id);
  const posts = await deps.store.read(principal, (db) =>
    postsWithoutEmbedding(db, EMBEDDING_MODEL, BACKFILL),
  );
  for (const post of posts) {
    const embedding = await embedArticle(deps.embedder, post, signal);
    if (embedding.state !== 'ready') continue;
    const { content_id: contentId, revision } = post;
    await deps.store.write(principal, (tx) =>
      storeEmbedding(tx, { contentId, revision, model: EMBEDDING_MODEL, vector: embedding.vector }),
    );
  }
};

/** Everything that code can measure of a draft, also beside the posts that exist. */
const look = async (
  deps: ActivityDeps,
  input: JudgeInput,
  { draft, round, sources }: Material,
  signal: AbortSignal,
): Promise<Seen> => {
  const embedding = await embedArticle(deps.embedder, draft, signal);
  if (embedding.state === 'ready') await embedPosts(deps, input, signal);
  const nearest =
    embedding.state === 'ready'
      ? await deps.store.read(workerPrincipal(input.workspace_id), (db) =>
          nearestPost(db, { vector: embedding.vector, model: EMBEDDING_MODEL }, input.content_id),
        )
      : undefined;
  const { used, unknown } = checkCitations(draft.body, sources);
  const { targetWords } = round.parameters;
  const measured = measureQuality({
    title: draft.title,
    body: draft.body,
    keyword: round.brief.primaryKeyword ?? null,
    targetWords:
      targetWords === null
        ? null
        : {
            min: Math.round(targetWords * LENGTH_SLACK.least),
            max: Math.round(targetWords * LENGTH_SLACK.most),
          },
    readability: readabilityOf(draft.body),
    citations: { used: [...used, ...unknown], known: sources.length },
    nearest: nearest ? { similarity: nearest.similarity, title: nearest.title } : null,
    about: embedding.state === 'ready' ? embedding.about : null,
  });
  return { measured, embedding };
};

const json = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;

/** Stores what was seen and said of a revision, and decides what the next pass revises. */
const settleJudgement = async (
  tx: Writer,
  input: JudgeInput,
  { round, sections }: Material,
  { measured, embedding }: Seen,
  model: StoredVerdict | null,
): Promise<JudgeResult> => {
  const { content_id: contentId, revision } = input;
  const verdict = combineVerdict(measured, model);
  const passed = passes(verdict.score, round.parameters.threshold);
  const notes: Note[] = [...measured.notes, ...(model?.notes ?? [])].filter(
    ({ section }) => section === null || section < sections,
  );
  if (embedding.state === 'ready')
    await storeEmbedding(tx, { contentId, revision, model: EMBEDDING_MODEL, vector: embedding.vector });
  await storeJudgement(tx, {
    contentId,
    revision,
    runId: input.run_id,
    score: verdict.score,
    passed,
    measured: json(measured),
    verdict: json(verdict),
    notes: json(notes),
    model: model?.modelId ?? null,
  });
  tx.emit(runStream(input.run_id), 'content.judged', {
    content_id: contentId,
    revision,
    score: verdict.score,
    passed,
    basis: verdict.basis,
  });
  const goesOn = passed || round.pass >= round.parameters.maxRevisions;
  return {
    revision,
    score: verdict.score,
    passed,
    basis: verdict.basis,
    notes: notes.map(({ text, section }) => ({ text, section })),
    revise: goesOn ? [] : sectionsToRevise(notes, sections),
    not_compared: embedding.state === 'ready' ? null : embedding.reason,
  };
};

/** The pipeline's step that judges. */
export const createJudgingActivities = (deps: ActivityDeps) => ({
  /** Judges a revision: what code can measure, together with the model's own verdict where it is able to give one. */
  judge: async (input: JudgeInput): Promise<JudgeAnswer | Held> => {
    const { round, model } = await readRoundWithModel(deps, input);
    // A judge without the model's word is still one, and says so.
    const verdict = await askVerdict(deps, input, round, model).catch((error: unknown) => {
      if (!isRejection(error)) throw error;
      return null;
    });
    if (isHeld(verdict)) return HELD;
    const result = await workStep<{ material: Material }, Seen & { material: Material }, JudgeResult>(
      deps,
      input,
      {
        plan: async (tx) => {
          const material = await readMaterial(tx, input, round);
          return {
            path: pathsOf(round).judge,
            title: 'Judge',
            inputs: {
              content_id: input.content_id,
              revision: input.revision,
              model: verdict?.modelId ?? null,
            },
            context: { material },
          };
        },
        work: async ({ material }, signal) => ({ ...(await look(deps, input, material, signal)), material }),
        store: (tx, { material, ...seen }) => settleJudgement(tx, input, material, seen, verdict),
        note: ({ score, passed }) => `${score} of 100, ${passed ? 'good enough' : 'below the threshold'}`,
        progress: { to: PROGRESS.judged },
      },
    );
    return isHeld(result) ? HELD : { score: result.score, passed: result.passed, revise: result.revise };
  },
});
