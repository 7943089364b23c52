import { applyEdits, excerptOf, sameDraft, type Draft } from '../../../domain/content/revision.ts';
import { conflict } from '../../../domain/errors.ts';
import type { JsonObject } from '../../../domain/json.ts';
import { runStream } from '../../../domain/runs/run.ts';
import { APPROVAL_COLUMNS, moveToRevision, type ApprovalRow } from '../../../store/approvals/approvals.ts';
import {
  addRevision,
  byPerson,
  createContent,
  lockContent,
  requireContent,
} from '../../../store/content/content.repository.ts';
import { draftOf, shownOf, type ContentRow } from '../../../store/content/content.rows.ts';
import type { RunRow } from '../../../store/runs/run.rows.ts';
import { RUN_COLUMNS } from '../../../store/runs/run.rows.ts';
import { startRun } from '../../../store/runs/start.ts';
import { poke } from '../../../store/runs/transition.ts';
import { sql, type Writer } from '../../../store/store.ts';

/** Asks for approval of the newest revision, and publishes it when it gets it. */
export const submit = (
  tx: Writer,
  content: ContentRow,
  parameters: JsonObject,
  traceId: string,
): Promise<RunRow> =>
  startRun(tx, {
    kind: 'content',
    subjectType: content.task_id === null ? 'content' : 'task',
    subjectId: content.task_id ?? content.id,
    summary: content.title,
    input: { start: 'review', content_id: content.id, parameters },
    traceId,
  });

export interface Handed {
  readonly draft: Draft;
  readonly category: string | null;
  readonly tags: readonly string[];
  readonly submit: boolean;
  readonly parameters: JsonObject;
}

/** Takes in content that a person wrote. @returns its id. */
export const handIn = async (tx: Writer, input: Handed, traceId: string): Promise<string> => {
  const { userId } = tx.principal;
  const draft = { ...input.draft, excerpt: input.draft.excerpt ?? excerptOf(input.draft.body) };
  const id = await createContent(tx, {
    ...input,
    draft,
    origin: byPerson(userId),
    taskId: null,
    createdBy: userId,
  });
  if (input.submit) await submit(tx, await requireContent(tx, id), input.parameters, traceId);
  return id;
};

const findLiveRun = (tx: Writer, content: ContentRow): Promise<RunRow | undefined> =>
  tx.maybe<RunRow>(
    sql`select ${RUN_COLUMNS} from runs r where r.subject_id in (${content.id}, ${content.task_id}) and r.kind = 'content'
           and r.status in ('queued','running','waiting','paused') for update`,
  );

/** Tells the run that works on this content of its new revision: the open gate moves on, or an author was waited for. */
const followRun = async (
  tx: Writer,
  run: RunRow,
  content: ContentRow,
  revision: number,
  draft: Draft,
): Promise<void> => {
  const open = await tx.maybe<ApprovalRow>(
    sql`select ${APPROVAL_COLUMNS} from approvals a where a.run_id = ${run.id} and a.status = 'open' for update`,
  );
  if (open) moveToRevision(tx, open, revision, shownOf(draft));
  tx.emit(runStream(run.id), 'content.revised', { content_id: content.id, revision, author: 'person' });
  poke(tx, run);
};

/** A run that is writing, or about to publish what was approved, must not have its text changed under it. */
const requireEditable = (run: RunRow, open: boolean): void => {
  if (!open && run.current_step !== 'revision')
    throw conflict(
      'run_live',
      'A run is writing or publishing this content: wait for its approval, or cancel the run.',
    );
};

/**
 * Writes a person's revision. With no run under way, a new one asks for its approval unless `submit` is false.
 * @throws DomainError not_found, conflict `run_live`.
 */
export const revise = async (
  tx: Writer,
  id: string,
  change: { edits: JsonObject; submit: boolean; parameters: JsonObject },
  traceId: string,
): Promise<void> => {
  const seen = await requireContent(tx, id);
  // The run's lock first, then the content's: everyone takes them in this order.
  const run = await findLiveRun(tx, seen);
  const content = await lockContent(tx, id);
  if (run) {
    const open = await tx.maybe(sql`select 1 from approvals where run_id = ${run.id} and status = 'open'`);
    requireEditable(run, open !== undefined);
  }
  const before = draftOf(content);
  const draft = applyEdits(before, change.edits);
  const changed = !sameDraft(before, draft);
  const revision = changed
    ? await addRevision(tx, content, draft, byPerson(tx.principal.userId))
    : content.revision;
  if (run) {
    if (changed) await followRun(tx, run, content, revision, draft);
  } else if (change.submit && revision !== content.published_revision) {
    await submit(tx, await requireContent(tx, id), change.parameters, traceId);
  }
};
