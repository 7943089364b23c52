import { PROGRESS } from '../../domain/content/pipeline.ts';
import type { Held } from '../../domain/runs/held.ts';
import { runStream } from '../../domain/runs/run.ts';
import {
  addRevision,
  lockContent,
  requireRevision,
  revisionOfStep,
} from '../../store/content/content.repository.ts';
import { copyEmbedding, copyJudgement, setQuality } from '../../store/content/quality.repository.ts';
import { attachImages } from '../../store/media/images.repository.ts';
import { closeStep, openStep, type StepRef } from '../../store/runs/steps.ts';
import { sql, type Reader } from '../../store/store.ts';
import type { RevisionAnswer, RoundInput } from '../../workflows/content/messages.ts';
import { stepForRun, type ActivityDeps } from '../runtime.ts';
import { bestRevision } from './best.ts';
import type { DescribeResult, IllustrateResult } from './presenting.ts';
import { IMAGE_PATH, pathsOf, readRound, resultOf } from './round.ts';

interface Cost {
  readonly costMicros: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

const costOfSteps = (db: Reader, runId: string, paths: readonly string[]): Promise<Cost> =>
  db.one<Cost>(
    sql`select coalesce(sum(cost_micros), 0)::bigint as "costMicros", coalesce(sum(tokens_in), 0)::bigint as "tokensIn",
               coalesce(sum(tokens_out), 0)::bigint as "tokensOut"
          from run_steps where run_id = ${runId} and path = any(${paths}) and status = 'completed'`,
  );

/** The end of a round of writing. */
export const createFinishingActivities = (deps: ActivityDeps) => ({
  /** Makes the round's best revision, with its description and image, into the newest one, and says how good it is. */
  finish: (input: RoundInput): Promise<RevisionAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const round = await readRound(tx, input);
      const { describe, finish: path } = pathsOf(round);
      const [made, best] = await Promise.all([
        revisionOfStep(tx, run.id, path),
        bestRevision(tx, run.id, round),
      ]);
      if (made) return { content_id: made.item_id, revision: made.number };
      const step: StepRef = { runId: run.id, attempt: input.attempt, path, digest: path, title: 'Finish' };
      // In one round trip, and in this order.
      const [, content, draft, described, illustrated, cost] = await Promise.all([
        openStep(tx, run, step),
        lockContent(tx, best.content_id),
        requireRevision(tx, best.content_id, best.revision),
        resultOf<DescribeResult>(tx, input, describe),
        resultOf<IllustrateResult>(tx, input, IMAGE_PATH),
        costOfSteps(tx, run.id, input.round === 0 ? [describe, IMAGE_PATH] : [describe]),
        attachImages(tx, run.id, best.content_id),
      ]);
      const finished = {
        ...draft,
        excerpt: described?.excerpt ?? draft.excerpt,
        seoTitle: described?.seo_title ?? draft.seoTitle,
        seoDescription: described?.seo_description ?? draft.seoDescription,
        featuredImageUrl: illustrated?.url ?? content.featured_image_url,
      };
      const author = { kind: 'model' as const, userId: null, model: best.author_model };
      const revision = await addRevision(tx, content, finished, {
        author,
        runId: run.id,
        stepPath: path,
        ...cost,
      });
      copyJudgement(tx, best.content_id, best.revision, revision, run.id);
      copyEmbedding(tx, best.content_id, best.revision, revision);
      setQuality(tx, best.content_id, best.score, !best.passed);
      const answer = { content_id: best.content_id, revision };
      tx.emit(runStream(run.id), 'content.revised', {
        ...answer,
        author: 'model',
        score: best.score,
        below_threshold: !best.passed,
      });
      await closeStep(tx, step, {
        result: { ...answer, chosen: best.revision, score: best.score, below_threshold: !best.passed },
        progress: { to: PROGRESS.finished },
      });
      return answer;
    }),
});
