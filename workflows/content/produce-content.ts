import { ApplicationFailure, sleep } from '@temporalio/workflow';
import type { ContentActivities } from '../../activities/content/index.ts';
import type { StudioActivities } from '../../activities/content/studio.ts';
import { parametersOf, readStart } from '../../domain/content/pipeline.ts';
import { textAt } from '../../domain/json.ts';
import { useProfile, useWrites, type Writes } from '../profiles.ts';
import { carryRun, type Carrier } from '../runs/carry.ts';
import type { RunInput } from '../runs/messages.ts';
import type { RevisionAnswer, RoundInput, VerdictAnswer } from './messages.ts';

interface Desk {
  readonly input: RunInput;
  readonly carrier: Carrier;
  readonly content: Writes<ContentActivities>;
  readonly studio: ReturnType<typeof useProfile<StudioActivities>>;
}

type Outlined = 'by the model' | 'as written';

/** Writes sections side by side: each is a step of its own. */
const writeSections = async (desk: Desk, at: RoundInput, sections: readonly number[]): Promise<void> => {
  const { carrier, studio } = desk;
  const draft = (index: number): Promise<unknown> => {
    const summary = at.pass ? `Revise section ${index + 1}` : `Section ${index + 1} of ${sections.length}`;
    return carrier.step(() => studio.draftSection.executeWithOptions({ summary }, [{ ...at, index }]));
  };
  await Promise.all(sections.map(draft));
};

/** Judges a draft, and has revised what the judge was not content with, as often as the run allows. */
const judgeAndRevise = async (desk: Desk, at: RoundInput, first: RevisionAnswer): Promise<void> => {
  const { carrier, content, studio } = desk;
  let newest = first;
  for (let pass = 0; ; pass++) {
    const judged = { ...at, pass, ...newest };
    const { revise } = await carrier.step(() =>
      studio.judge.executeWithOptions({ summary: 'Judge' }, [judged]),
    );
    if (revise.length === 0) return;
    const next = { ...at, pass: pass + 1 };
    await writeSections(desk, next, revise);
    newest = await carrier.step(() => content.compose('Compose', next));
  }
};

/** One round of the text: outline, sections, judgement. */
const writeText = async (desk: Desk, at: RoundInput, outlined: Outlined): Promise<void> => {
  const { carrier, content, studio } = desk;
  const { sections } = await carrier.step(() =>
    outlined === 'as written'
      ? content.outlineAsWritten('Outline as written', at)
      : studio.outline.executeWithOptions({ summary: 'Outline' }, [at]),
  );
  await writeSections(
    desk,
    at,
    Array.from({ length: sections }, (_, index) => index),
  );
  const composed = await carrier.step(() => content.compose('Compose', at));
  await judgeAndRevise(desk, at, composed);
};

/** One round of the article: the text beside its image, then how both present themselves, and the revision that this makes. */
const writeRound = async (desk: Desk, round: number, outlined: Outlined): Promise<RevisionAnswer> => {
  const { input, carrier, content, studio } = desk;
  const at = { ...input, round };
  await Promise.all([
    writeText(desk, at, outlined),
    carrier.step(() => studio.illustrate.executeWithOptions({ summary: 'Illustrate' }, [at])),
  ]);
  await carrier.step(() => studio.describe.executeWithOptions({ summary: 'Describe' }, [at]));
  return carrier.step(() => content.finish('Finish', at));
};

/** Opens a gate for the newest revision and waits for its verdict, however long that takes. */
const awaitVerdict = async (desk: Desk, gate: number, contentId: string): Promise<VerdictAnswer> => {
  const { input, carrier, content } = desk;
  const where = { ...input, gate, content_id: contentId };
  let seen = carrier.pokes();
  let verdict = await carrier.step(() => content.requestApproval('Ask for approval', where));
  while (verdict.status === 'open') {
    await carrier.nextPoke(seen, verdict.expires_at === null ? null : verdict.expires_at - Date.now());
    seen = carrier.pokes();
    verdict = await carrier.step(() => content.takeVerdict('Take the verdict', where));
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
    const { revision } = await carrier.step(() => content.newestRevision('Look for a new revision', where));
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
  await carrier.step(() => content.schedule(summary, { ...input, ...approved }));
  await sleep(at.getTime() - Date.now(), { summary });
};

/** Looks for sources of what a brief is about; a run that finds none goes on without. */
const research = async ({ input, carrier, studio }: Desk): Promise<void> => {
  await carrier.step(() => studio.research.executeWithOptions({ summary: 'Research' }, [input]));
};

/**
 * brief → research → outline → sections → judgement, with up to three revisions → SEO fields and image → approval (with as
 * many rounds as it takes) → publication, at once or at a given time. Text that a person wrote enters at the approval.
 */
export const produceContent = (input: RunInput): Promise<void> =>
  carryRun(input, async (carrier, asked) => {
    const content = useWrites<ContentActivities>();
    const desk: Desk = { input, carrier, content, studio: useProfile<StudioActivities>('model') };
    const { publishAt, research: depth } = parametersOf(asked);
    const start = readStart(asked);
    if (start === 'brief' && depth !== 'none') await research(desk);
    const contentId =
      start === 'review'
        ? textAt(asked, 'content_id')
        : (await writeRound(desk, 0, start === 'optimize' ? 'as written' : 'by the model')).content_id;
    const approved = await untilApproved(desk, contentId);
    await awaitTime(desk, approved, publishAt);
    await carrier.step(() => content.publish('Publish', { ...input, ...approved }));
    return COMPLETED;
  });

/** The publication has completed the run in its own transaction. */
const COMPLETED = null;
