import { PROGRESS } from '../../domain/content/pipeline.ts';
import { runStream } from '../../domain/runs/run.ts';
import { setContentStatus } from '../../store/content/content.repository.ts';
import { publishRevision } from '../../store/content/publish.ts';
import { closeStep, openStep, type StepRef } from '../../store/runs/steps.ts';
import { reportOutcome } from '../../store/runs/transition.ts';
import type { PublishInput } from '../../workflows/content/messages.ts';
import type { Held } from '../../domain/runs/held.ts';
import { stepForRun, type ActivityDeps } from '../runtime.ts';

/** The end of the pipeline. */
export const createPublishingActivities = (deps: ActivityDeps) => ({
  /** The approved revision waits for its time. */
  schedule: (input: PublishInput): Promise<{ scheduled: true } | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      await setContentStatus(tx, input.content_id, 'scheduled');
      await reportOutcome(tx, run, 'scheduled', {
        transition: 'wait',
        attempt: input.attempt,
        step: 'scheduled',
      });
      return { scheduled: true };
    }),

  /** Puts the approved revision on the site and completes the run, in one transaction: neither is seen without the other. */
  publish: (input: PublishInput): Promise<{ slug: string } | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const { attempt, content_id: contentId, revision } = input;
      const proceeded = await reportOutcome(tx, run, 'scheduled', {
        transition: 'proceed',
        attempt,
        step: 'publish',
      });
      const step: StepRef = {
        runId: run.id,
        attempt,
        path: 'publish',
        digest: `${contentId}/${revision}`,
        title: 'Publish',
      };
      await openStep(tx, run, step);
      const { id, slug } = await publishRevision(tx, contentId, revision);
      const postUrl = `${deps.publicUrl}/posts/${encodeURIComponent(slug)}`;
      const output = { content_id: contentId, revision, post_id: id, slug, post_url: postUrl };
      tx.emit(runStream(run.id), 'post.published', output);
      await closeStep(tx, step, { result: output, progress: { to: PROGRESS.published } });
      const current = proceeded === undefined ? run : { ...run, status: proceeded };
      await reportOutcome(tx, current, 'run', { transition: 'complete', attempt, output });
      return { slug };
    }),
});
