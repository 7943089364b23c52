import { PROGRESS, readParameters } from '../../domain/content/pipeline.ts';
import type { JsonObject } from '../../domain/json.ts';
import {
  APPROVAL_COLUMNS,
  closeApproval,
  openApproval,
  type ApprovalRow,
} from '../../store/approvals/approvals.ts';
import { lockContent, requireContent, setContentStatus } from '../../store/content/content.repository.ts';
import { draftOf, shownOf } from '../../store/content/content.rows.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import { setProgress } from '../../store/runs/steps.ts';
import { reportOutcome } from '../../store/runs/transition.ts';
import { sql, type Writer } from '../../store/store.ts';
import type { GateInput, VerdictAnswer } from '../../workflows/content/messages.ts';
import type { Held } from '../../domain/runs/held.ts';
import { stepForRun, type ActivityDeps } from '../runtime.ts';

const gatePath = (gate: number): string => `approval/${gate}`;

/** Who writes next after a request for changes: the decision's own edits, else the author of what was refused. */
const nextAuthor = async (tx: Writer, approval: ApprovalRow): Promise<VerdictAnswer['next_author']> => {
  if (approval.status !== 'changes_requested') return 'nobody';
  const content = await requireContent(tx, approval.subject_id);
  if (content.revision > approval.revision) return 'nobody';
  return content.author_kind === 'model' ? 'model' : 'person';
};

/** A verdict by the clock, with the same guard as a verdict by a person. */
const expireIfDue = async (tx: Writer, approval: ApprovalRow): Promise<ApprovalRow> => {
  const due = await tx.maybe(
    sql`select 1 from approvals where id = ${approval.id} and status = 'open' and expires_at <= clock_timestamp()`,
  );
  if (!due) return approval;
  const status = approval.on_expiry === 'approve' ? 'approved' : 'expired';
  return closeApproval(tx, approval, { status, by: null, comment: 'The approval expired.' });
};

const answer = (approval: ApprovalRow, next: VerdictAnswer['next_author']): VerdictAnswer => ({
  status: approval.status,
  revision: approval.revision,
  expires_at: approval.expires_at?.getTime() ?? null,
  next_author: next,
});

/** What the verdict does to the content and to the run, which goes on. */
const follow = async (
  tx: Writer,
  run: RunRow,
  approval: ApprovalRow,
  path: string,
): Promise<VerdictAnswer> => {
  const next = await nextAuthor(tx, approval);
  if (approval.status === 'approved') {
    await setContentStatus(tx, approval.subject_id, 'approved');
    setProgress(tx, run.id, PROGRESS.approved);
  }
  if (approval.status === 'changes_requested') await setContentStatus(tx, approval.subject_id, 'draft');
  const step = next === 'person' ? 'revision' : path;
  await reportOutcome(tx, run, path, { transition: 'proceed', attempt: run.attempt, step });
  return answer(approval, next);
};

/** The gates of the pipeline: each is an approval of one revision. */
export const createGateActivities = (deps: ActivityDeps) => ({
  /**
   * Opens the gate for the newest revision; the run waits from here on. A verdict that came between two tries of this step
   * is taken at once: its signal came before the workflow knew of the gate, and nobody sends another.
   */
  requestApproval: (input: GateInput): Promise<VerdictAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const content = await lockContent(tx, input.content_id);
      const parameters = readParameters((run.input['parameters'] ?? {}) as JsonObject);
      const seconds = parameters.approvalExpiresInSeconds;
      const path = gatePath(input.gate);
      const approval = await openApproval(tx, run, {
        kind: 'content',
        stepPath: path,
        subjectType: 'content',
        subjectId: content.id,
        revision: content.revision,
        shown: shownOf(draftOf(content), content),
        policy: parameters.policy,
        expiresAt: seconds === null ? null : new Date(Date.now() + seconds * 1_000),
        onExpiry: parameters.onExpiry,
      });
      if (approval.status === 'open') await setContentStatus(tx, content.id, 'in_review');
      const detail = { approval_id: approval.id };
      await reportOutcome(tx, run, path, { transition: 'wait', attempt: input.attempt, step: path, detail });
      return approval.status === 'open' ? answer(approval, 'nobody') : follow(tx, run, approval, path);
    }),

  /** Reads the gate's verdict; gives it by the clock when it has expired. The run goes on when there is one. */
  takeVerdict: (input: GateInput): Promise<VerdictAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const path = gatePath(input.gate);
      const found = await tx.one<ApprovalRow>(
        sql`select ${APPROVAL_COLUMNS} from approvals a
             where a.run_id = ${run.id} and a.attempt = ${input.attempt} and a.step_path = ${path} for update`,
      );
      const approval = await expireIfDue(tx, found);
      return approval.status === 'open' ? answer(approval, 'nobody') : follow(tx, run, approval, path);
    }),
});
