import { ApplicationFailure, sleep } from '@temporalio/workflow';
import type { ContentActivities } from '../../activities/content/index.ts';
import type { WritingActivities } from '../../activities/content/writing.ts';
import { useProfile } from '../profiles.ts';
import { carryRun, type Carrier } from '../runs/carry.ts';
import type { RunInput } from '../runs/messages.ts';
import type { RevisionAnswer, VerdictAnswer } from './messages.ts';

interface Desk {
  readonly input: RunInput;
  readonly carrier: Carrier;
  readonly content: ReturnType<typeof useProfile<ContentActivities>>;
  readonly writing: ReturnType<typeof useProfile<WritingActivities>>;
}

/** Writes one round of the article: its sections one after the other, then the revision that they make. */
const writeRound = async (
  desk: Desk,
  round: number,
  outlined: 'by the model' | 'as written' = 'by the model',
): Promise<RevisionAnswer> => {
  const { input, carrier, content, writing } = desk;
  const { sections } = await carrier.step(() =>
    outlined === 'as written'
      ? content.outlineAsWritten.executeWithOptions({ summary: 'Outline as written' }, [{ ...input, round }])
      : writing.outline.executeWithOptions({ summary: 'Outline' }, [{ ...input, round }]),
  );
  for (let index = 0; index < sections; index++)
    await carrier.step(() =>
      writing.draftSection.executeWithOptions({ summary: `Section ${index + 1} of ${sections}` }, [
        { ...input, round, index },
      ]),
    );
  return carrier.step(() =>
    content.compose.executeWithOptions({ summary: 'Compose' }, [{ ...input, round }]),
  );
};

/** Opens a gate for the newest revision and waits for its verdict, however long that takes. */
const awaitVerdict = async (
  { input, carrier, content }: Desk,
  gate: number,
  contentId: string,
): Promise<VerdictAnswer> => {
  const where = { ...input, gate, content_id: contentId };
  await carrier.step(() =>
    content.requestApproval.executeWithOptions({ summary: 'Ask for approval' }, [where]),
  );
  for (;;) {
    const seen = carrier.pokes();
    const verdict = await carrier.step(() =>
      content.takeVerdict.executeWithOptions({ summary: 'Take the verdict' }, [where]),
    );
    if (verdict.status !== 'open') return verdict;
    await carrier.nextPoke(seen, verdict.expires_at === null ? null : verdict.expires_at - Date.now());
  }
};

/** A person revises what a person wrote: waits until a newer revision exists. */
const awaitRevision = async (
  { input, carrier, content }: Desk,
  contentId: string,
  after: number,
): Promise<void> => {
  for (;;) {
    const seen = carrier.pokes();
    const { revision } = await carrier.step(() =>
      content.newestRevision.executeWithOptions({ summary: 'Look for a new revision' }, [
        { ...input, content_id: contentId },
      ]),
    );
    if (revision > after) return;
    await carrier.nextPoke(seen, null);
  }
};

const REFUSED = {
  rejected: 'The content was rejected.',
  expired: 'Nobody decided before the approval expired.',
} as const;

/** Asks for approval, and for changes as often as they are requested, until a revision is approved. */
const untilApproved = async (desk: Desk, first: RevisionAnswer): Promise<RevisionAnswer> => {
  const { content_id: contentId } = first;
  let round = 0;
  for (let gate = 1; ; gate++) {
    const verdict = await awaitVerdict(desk, gate, contentId);
    if (verdict.status === 'approved') return { content_id: contentId, revision: verdict.revision };
    if (verdict.status === 'rejected') throw ApplicationFailure.nonRetryable(REFUSED.rejected, 'rejected');
    if (verdict.status === 'expired')
      throw ApplicationFailure.nonRetryable(REFUSED.expired, 'approval_expired');
    if (verdict.next_author === 'model') await writeRound(desk, ++round);
    if (verdict.next_author === 'person') await awaitRevision(desk, contentId, verdict.revision);
  }
};

/**
 * brief → outline → sections → approval (with as many revisions as it takes) → publication, at once or at a given time.
 * Text that a person wrote enters at the approval.
 */
export const contentPipeline = (input: RunInput): Promise<void> =>
  carryRun(input, async (carrier) => {
    const content = useProfile<ContentActivities>('write');
    const desk: Desk = { input, carrier, content, writing: useProfile<WritingActivities>('model') };
    const plan = await carrier.step(() =>
      content.planPipeline.executeWithOptions({ summary: 'Plan' }, [input]),
    );
    const first =
      plan.start !== 'review'
        ? await writeRound(desk, 0, plan.start === 'optimize' ? 'as written' : 'by the model')
        : await carrier.step(() =>
            content.newestRevision.executeWithOptions({ summary: 'Read' }, [{ ...input, content_id: null }]),
          );
    const approved = await untilApproved(desk, first);
    if (plan.publish_at !== null && Date.parse(plan.publish_at) > Date.now()) {
      await carrier.step(() =>
        content.schedule.executeWithOptions({ summary: `Wait until ${plan.publish_at}` }, [
          { ...input, ...approved },
        ]),
      );
      await sleep(Date.parse(plan.publish_at) - Date.now());
    }
    const post = await carrier.step(() =>
      content.publish.executeWithOptions({ summary: 'Publish' }, [{ ...input, ...approved }]),
    );
    return { output: { content_id: approved.content_id, revision: approved.revision, ...post } };
  });
