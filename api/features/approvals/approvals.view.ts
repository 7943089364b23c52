import type { DecisionRow } from '../../../store/approvals/approvals.repository.ts';
import type { ApprovalRow } from '../../../store/approvals/approvals.ts';
import type { components } from '../../generated/openapi.d.ts';
import { maybeTime, time } from '../../http/wire.ts';

export const approvalView = (approval: ApprovalRow): components['schemas']['Approval'] => ({
  id: approval.id,
  kind: approval.kind,
  run_id: approval.run_id,
  subject_type: approval.subject_type,
  subject_id: approval.subject_id,
  revision: approval.revision,
  status: approval.status,
  shown: approval.shown,
  answer_schema: approval.answer_schema,
  policy: { ...approval.policy, roles: [...approval.policy.roles] },
  requested_by: approval.requested_by,
  expires_at: maybeTime(approval.expires_at),
  on_expiry: approval.on_expiry,
  feedback: approval.feedback,
  decided_by: approval.decided_by,
  decided_at: maybeTime(approval.decided_at),
  created_at: time(approval.created_at),
  updated_at: time(approval.updated_at),
});

const decisionView = (decision: DecisionRow): components['schemas']['GivenDecision'] => ({
  user_id: decision.user_id,
  decision: decision.decision,
  revision: decision.revision,
  comment: decision.comment,
  edits: decision.edits,
  answer: decision.answer,
  at: time(decision.at),
});

export const approvalDetailView = (
  approval: ApprovalRow & { decisions: readonly DecisionRow[] },
): components['schemas']['ApprovalDetail'] => ({
  ...approvalView(approval),
  decisions: approval.decisions.map(decisionView),
});
