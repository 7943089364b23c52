import { ApplicationFailure, sleep } from '@temporalio/workflow';
import type { ContentActivities } from '../../activities/content/index.ts';
import type { StudioActivities } from '../../activities/content/studio.ts';
import { readParameters, readStart } from '../../domain/content/pipeline.ts';
import { textAt, type JsonObject } from '../../domain/json.ts';
import { useProfile } from '../profiles.ts';
import { carryRun, type Carrier } from '../runs/carry.ts';
import type { RunInput } from '../runs/messages.ts';
import type { RevisionAnswer, VerdictAnswer } from './messages.ts';

interface Desk {
  readonly input: RunInput;
  readonly carrier: Carrier;
  readonly content: ReturnType<typeof useProfile<ContentActivities>>;
  readonly writing: ReturnType<typeof useProfile<StudioActivities>>;
}

type Outlined = 'by the model' | 'as written';

/** Writes one round of the article: its sections one after the other, then the revision that they make. */
const writeRound = async (desk: Desk, round: number, outlined: Outlined): Promise<RevisionAnswer> => {
  const { input, carrier, content, writing } = desk;
  const at = { ...input, round };
  const { sections } = await carrier.step(() =>
    outlined === 'as written'
      ? content.outlineAsWritten.executeWithOptions({ summary: 'Outline as written' }, [at])
      : writing.outline.executeWithOptions({ summary: 'Outline' }, [at]),
  );
  for (let index = 0; index < sections; index++) {
    const summary = `Section ${index + 1} of ${sections}`;
    await carrier.step(() => writing.draftSection.executeWithOptions({ summary }, [{ ...at, index }]));
  }
  return carrier.step(() => content.compose.executeWithOptions({ summary: 'Compose' }, [at]));
};

/** Opens a gate for the newest revision and waits for its verdict, however long that takes. */
const awaitVerdict = async (desk: Desk, gate: number, contentId: string): Promise<VerdictAnswer> => {
  const { input, carrier, content } = desk;
  const where = { ...input, gate, content_id: contentId };
  let seen = carrier.pokes();
  let verdict = await carrier.step(() =>
    content.requestApproval.executeWithOptions({ summary: 'Ask for approval' }, [where]),
  );
  while (verdict.status === 'open') {
    await carrier.nextPoke(seen, verdict.expires_at === null ? null : verdict.expires_at - Date.now());
    seen = carrier.pokes();
    verdict = await carrier.step(() =>
      content.takeVerdict.executeWithOptions({ summary: 'Take the verdict' }, [where]),
    );
  }
  return verdict;
};

/** A person revises what a person wrote: waits until a newer revision exists. */
const awaitRevision = async (
  { input, carrier, content }: Desk,
  contentId: string,
  after: number,
): Promise<void> => {
  const where = { ...input, content_id: contentId };
  for (;;) {
    const seen = carrier.pokes();
    const { revision } = await carrier.step(() =>
      content.newestRevision.executeWithOptions({ summary: 'Look for a new revision' }, [where]),
    );
    if (revision > after) return;
    await carrier.nextPoke(seen, null);
  }
};

/** Asks for approval, and for changes as often as they are requested, until a revision is approved. */
const untilApproved = async (desk: Desk, contentId: string): Promise<RevisionAnswer> => {
  let round = 0;
  for (let gate = 1; ; gate++) {
    const verdict = await awaitVerdict(desk, gate, contentId);
    if (verdict.status === 'approved') return { content_id: contentId, revision: verdict.revision };
    if (verdict.status === 'rejected')
      throw ApplicationFailure.nonRetryable('The content was rejected.', 'rejected');
    if (verdict.status === 'expired')
      throw ApplicationFailure.nonRetryable(
        'Nobody decided before the approval expired.',
        'approval_expired',
      );
    if (verdict.next_author === 'model') await writeRound(desk, ++round, 'by the model');
    if (verdict.next_author === 'person') await awaitRevision(desk, contentId, verdict.revision);
  }
};

/** Holds the approved revision until its time; one that has passed already holds nothing. */
const awaitTime = async (
  { input, carrier, content }: Desk,
  approved: RevisionAnswer,
  at: Date | null,
): Promise<void> => {
  if (at === null || at.getTime() <= Date.now()) return;
  const summary = `Wait until ${at.toISOString()}`;
  await carrier.step(() => content.schedule.executeWithOptions({ summary }, [{ ...input, ...approved }]));
  await sleep(at.getTime() - Date.now(), { summary });
};

/**
 * Carries the runs that began before `produceContent` was; starts no more. To be deleted when none of them is left.
 * brief → outline → sections → approval (with as many revisions as it takes) → publication, at once or at a given time.
 * Text that a person wrote enters at the approval.
 */
export const contentPipeline = (input: RunInput): Promise<void> =>
  carryRun(input, async (carrier, asked) => {
    const content = useProfile<ContentActivities>('write');
    const desk: Desk = { input, carrier, content, writing: useProfile<StudioActivities>('model') };
    const { publishAt } = readParameters((asked['parameters'] ?? {}) as JsonObject);
    const start = readStart(asked);
    const contentId =
      start === 'review'
        ? textAt(asked, 'content_id')
        : (await writeRound(desk, 0, start === 'optimize' ? 'as written' : 'by the model')).content_id;
    const approved = await untilApproved(desk, contentId);
    await awaitTime(desk, approved, publishAt);
    await carrier.step(() =>
      content.publish.executeWithOptions({ summary: 'Publish' }, [{ ...input, ...approved }]),
    );
    return COMPLETED;
  });

/** The publication has completed the run in its own transaction. */
const COMPLETED = null;
