import { applyEdits } from '../../domain/content/revision.ts';
import { conflict, invalid } from '../../domain/errors.ts';
import { runStream } from '../../domain/runs/run.ts';
import { raiseBudget } from '../budgets/gate.ts';
import { addRevision, byPerson, lockContent } from '../content/content.repository.ts';
import { draftOf } from '../content/content.rows.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';
import { APPROVAL_COLUMNS, vote, type ApprovalRow, type Vote } from './approvals.ts';

/** What comes with a decision has to belong to it. @throws DomainError validation. */
const checkBelongings = (approval: ApprovalRow, input: Vote): void => {
  if (input.edits && input.decision !== 'request_changes')
    throw invalid(
      'body.edits',
      'belong to request_changes: they become a revision that is approved on its own',
    );
  if (input.answer && (approval.answer_schema === null || input.decision !== 'approve'))
    throw invalid('body.answer', 'belongs to the approval of something that asks for an answer');
  if (input.decision === 'request_changes' && approval.subject_type !== 'content')
    throw invalid('body.decision', 'only content can be changed: approve or reject');
};

/**
 * Gives a person's decision on an approval, whichever door it came through. Edits come with `request_changes` only and
 * become the next revision, by that person, which then needs an approval of its own. A granted budget is raised.
 * @throws DomainError validation (edits, answer), conflict, forbidden, not_found: see `vote`.
 */
export const decide = async (tx: Writer, approvalId: string, input: Vote): Promise<ApprovalRow> => {
  const { approval, run } = await vote(tx, approvalId, input);
  checkBelongings(approval, input);
  if (approval.kind === 'budget' && approval.status === 'approved')
    await raiseBudget(tx, approval, input.answer);
  if (!input.edits) return approval;
  const content = await lockContent(tx, approval.subject_id);
  const revision = await addRevision(
    tx,
    content,
    applyEdits(draftOf(content), input.edits),
    byPerson(input.userId),
  );
  tx.emit(runStream(run.id), 'content.revised', { content_id: content.id, revision, author: 'person' });
  return approval;
};

/**
 * The open approval of a piece of content's newest revision: what the doors mean that name no revision.
 * @throws DomainError conflict when there is nothing to decide, or newer content exists.
 */
export const requireOpenApproval = async (db: Reader, contentId: string | null): Promise<ApprovalRow> => {
  const open =
    contentId === null
      ? undefined
      : await db.maybe<ApprovalRow & { newest: number }>(
          sql`select ${APPROVAL_COLUMNS}, c.revision as newest from approvals a join content_items c on c.id = a.subject_id
               where a.subject_type = 'content' and a.subject_id = ${contentId} and a.status = 'open'`,
        );
  if (!open)
    throw conflict(
      'nothing_to_decide',
      'Nothing waits for a decision here: it is not ready yet, or has its verdict.',
    );
  if (open.newest !== open.revision)
    throw conflict('stale_revision', 'There is newer content than what the approval shows.');
  return open;
};
