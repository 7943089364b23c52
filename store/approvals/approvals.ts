import { v7 as uuidv7 } from 'uuid';
import {
  decideApproval,
  type ApprovalPolicy,
  type ApprovalStatus,
  type DecisionWord,
  type OnExpiry,
  type Refusal,
} from '../../domain/approvals/approval.ts';
import { conflict, DomainError, notFound } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { runStream } from '../../domain/runs/run.ts';
import type { RunRow } from '../runs/run.rows.ts';
import { lockRun, poke } from '../runs/transition.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';

export interface ApprovalRow {
  readonly id: string;
  readonly kind: string;
  readonly run_id: string;
  readonly attempt: number;
  readonly step_path: string;
  readonly subject_type: string;
  readonly subject_id: string;
  readonly revision: number;
  readonly status: ApprovalStatus;
  readonly shown: JsonObject;
  readonly answer_schema: JsonObject | null;
  readonly policy: ApprovalPolicy;
  readonly requested_by: string | null;
  readonly expires_at: Date | null;
  readonly on_expiry: OnExpiry;
  readonly feedback: string | null;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const APPROVAL_COLUMNS = sql`a.id, a.kind, a.run_id, a.attempt, a.step_path, a.subject_type, a.subject_id, a.revision,
  a.status, a.shown, a.answer_schema, a.policy, a.requested_by, a.expires_at, a.on_expiry, a.feedback, a.decided_by,
  a.decided_at, a.created_at, a.updated_at`;

export interface NewApproval {
  readonly kind: string;
  readonly stepPath: string;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly revision: number;
  readonly shown: JsonObject;
  /** JSON Schema of what a person may answer beside yes; none when there is nothing to answer. */
  readonly answerSchema?: JsonObject;
  readonly policy: ApprovalPolicy;
  readonly expiresAt: Date | null;
  readonly onExpiry: OnExpiry;
}

/** Opens a gate of a run's attempt, or finds the one that an earlier try of the same step opened. */
export const openApproval = async (tx: Writer, run: RunRow, input: NewApproval): Promise<ApprovalRow> => {
  const opened = await tx.maybe<ApprovalRow>(
    sql`insert into approvals as a (id, workspace_id, kind, run_id, attempt, step_path, subject_type, subject_id, revision,
                               shown, answer_schema, policy, requested_by, expires_at, on_expiry)
        values (${uuidv7()}, ${run.workspace_id}, ${input.kind}, ${run.id}, ${run.attempt}, ${input.stepPath}, ${input.subjectType},
                ${input.subjectId}, ${input.revision}, ${JSON.stringify(input.shown)},
                ${input.answerSchema ? JSON.stringify(input.answerSchema) : null}, ${JSON.stringify(input.policy)},
                ${run.owner_id}, ${input.expiresAt}, ${input.onExpiry})
        on conflict (run_id, attempt, step_path) do nothing
        returning ${APPROVAL_COLUMNS}`,
  );
  if (!opened)
    return tx.one<ApprovalRow>(
      sql`select ${APPROVAL_COLUMNS} from approvals a
           where a.run_id = ${run.id} and a.attempt = ${run.attempt} and a.step_path = ${input.stepPath}`,
    );
  tx.count(`approval/${opened.kind}`, 'open', 1);
  tx.emit(runStream(run.id), 'approval.requested', {
    run_id: run.id,
    approval_id: opened.id,
    kind: opened.kind,
    revision: opened.revision,
    expires_at: opened.expires_at?.toISOString() ?? null,
  });
  return opened;
};

/** Reads an approval under its lock, after its run's: everyone locks in this order. @throws DomainError not_found. */
export const lockApproval = async (
  tx: Writer,
  id: string,
): Promise<{ approval: ApprovalRow; run: RunRow }> => {
  const found = await tx.maybe<{ run_id: string }>(sql`select run_id from approvals where id = ${id}`);
  if (!found) throw notFound('approval', id);
  const run = await lockRun(tx, found.run_id);
  const approval = await tx.one<ApprovalRow>(
    sql`select ${APPROVAL_COLUMNS} from approvals a where a.id = ${id} for update`,
  );
  return { approval, run };
};

interface Closing {
  readonly status: ApprovalStatus;
  readonly by: string | null;
  readonly comment: string | null;
}

/** The guarded update that is the verdict. The caller holds the lock and has seen the row open. */
export const closeApproval = async (
  tx: Writer,
  approval: ApprovalRow,
  closing: Closing,
): Promise<ApprovalRow> => {
  const closed = await tx.one<ApprovalRow>(
    sql`update approvals a set status = ${closing.status}, feedback = ${closing.comment}, decided_by = ${closing.by},
               decided_at = now(), updated_at = now()
         where a.id = ${approval.id} and a.status = 'open' returning ${APPROVAL_COLUMNS}`,
  );
  tx.count(`approval/${approval.kind}`, 'open', -1);
  tx.count(`approval/${approval.kind}`, closing.status, 1);
  tx.emit(runStream(approval.run_id), 'approval.decided', {
    run_id: approval.run_id,
    approval_id: approval.id,
    revision: approval.revision,
    status: closing.status,
    decided_by: closing.by,
    comment: closing.comment,
  });
  tx.audit(`approval.${closing.status}`, 'approval', approval.id, {
    revision: approval.revision,
    subject_type: approval.subject_type,
    subject_id: approval.subject_id,
    comment: closing.comment,
  });
  return closed;
};

const REFUSALS: Record<Refusal, string> = {
  already_decided: 'This approval has its verdict already.',
  stale_revision:
    'There is newer content than the revision that you decided on: look at it and decide again.',
  approval_expired: 'This approval has expired.',
  already_voted: 'You have given your decision on this revision; others have to give theirs.',
  role_not_allowed: 'Your role is not among those that may decide this.',
  self_approval: 'What you asked for has to be approved by somebody else.',
};

const refuse = (refusal: Refusal): DomainError =>
  refusal === 'role_not_allowed' || refusal === 'self_approval'
    ? new DomainError('forbidden', refusal, REFUSALS[refusal])
    : conflict(refusal, REFUSALS[refusal]);

export interface Vote {
  readonly decision: DecisionWord;
  readonly revision: number;
  readonly comment: string | null;
  readonly edits: JsonObject | null;
  /** What the approval's `answer_schema` asks for. */
  readonly answer: JsonObject | null;
  readonly userId: string;
  readonly role: string;
}

/**
 * Counts one person's vote and, when it settles the matter, gives the verdict and wakes the run: no worker is needed.
 * @returns the approval afterwards (still `open` while others must vote).
 * @throws DomainError conflict (decided, stale, expired, voted), forbidden (role, self-approval), not_found.
 */
export const vote = async (
  tx: Writer,
  id: string,
  input: Vote,
): Promise<{ approval: ApprovalRow; run: RunRow }> => {
  const { approval, run } = await lockApproval(tx, id);
  const earlier = await tx.one<{ yes: number; mine: number; now: Date }>(
    sql`select count(*) filter (where decision = 'approve' and user_id <> ${input.userId}) as yes,
               count(*) filter (where user_id = ${input.userId}) as mine, clock_timestamp() as now
          from approval_decisions where approval_id = ${id} and revision = ${approval.revision}`,
  );
  const verdict = decideApproval(
    {
      status: approval.status,
      revision: approval.revision,
      policy: approval.policy,
      requestedBy: approval.requested_by,
      expiresAt: approval.expires_at,
      earlierYes: earlier.yes,
      alreadyDecidedByUser: earlier.mine > 0,
    },
    {
      decision: input.decision,
      revision: input.revision,
      userId: input.userId,
      role: input.role,
      at: earlier.now,
    },
  );
  if ('refused' in verdict) throw refuse(verdict.refused);
  tx.send(
    sql`insert into approval_decisions (workspace_id, approval_id, revision, user_id, decision, comment, edits, answer)
        values (${run.workspace_id}, ${id}, ${input.revision}, ${input.userId}, ${input.decision}, ${input.comment},
                ${input.edits ? JSON.stringify(input.edits) : null}, ${input.answer ? JSON.stringify(input.answer) : null})`,
  );
  if (verdict.status === 'open') {
    tx.emit(runStream(run.id), 'approval.voted', {
      run_id: run.id,
      approval_id: id,
      yes: earlier.yes + 1,
      needed: approval.policy.count,
    });
    tx.audit('approval.vote', 'approval', id, { decision: input.decision, revision: input.revision });
    return { approval, run };
  }
  const closed = await closeApproval(tx, approval, {
    status: verdict.status,
    by: input.userId,
    comment: input.comment,
  });
  poke(tx, run);
  return { approval: closed, run };
};

/** Points an open approval at newer content; votes on the older revision no longer count. */
export const moveToRevision = (
  tx: Writer,
  approval: ApprovalRow,
  revision: number,
  shown: JsonObject,
): void => {
  tx.send(
    sql`update approvals set revision = ${revision}, shown = ${JSON.stringify(shown)}, updated_at = now() where id = ${approval.id}`,
  );
  tx.emit(runStream(approval.run_id), 'approval.revised', {
    run_id: approval.run_id,
    approval_id: approval.id,
    revision,
  });
};

/** Closes what a run that was cancelled still asked for. */
export const cancelApprovals = async (tx: Writer, runId: string): Promise<void> => {
  const open = await tx.many<ApprovalRow>(
    sql`select ${APPROVAL_COLUMNS} from approvals a where a.run_id = ${runId} and a.status = 'open' for update`,
  );
  for (const approval of open)
    await closeApproval(tx, approval, { status: 'cancelled', by: tx.principal.userId, comment: null });
};
