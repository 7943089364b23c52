import type { ApprovalStatus } from '../approvals/approval.ts';
import type { RunStatus } from '../runs/run.ts';

export type OrchestrationWord =
  'pending' | 'processing' | 'approved' | 'rejected' | 'completed' | 'failed' | 'cancelled';

/** The word of the `/api/orchestrator` doors for how a task's newest run stands. */
export const orchestrationWord = (
  run: { status: RunStatus; errorCode: string | null } | null,
  approval: ApprovalStatus | null,
): OrchestrationWord => {
  if (run === null) return 'pending';
  if (run.status === 'failed')
    return run.errorCode === 'rejected' || run.errorCode === 'approval_expired' ? 'rejected' : 'failed';
  if (run.status === 'completed' || run.status === 'cancelled') return run.status;
  return approval === 'approved' ? 'approved' : 'processing';
};

export type ApprovalWord = 'pending' | Exclude<ApprovalStatus, 'open'>;

export const approvalWord = (status: ApprovalStatus): ApprovalWord =>
  status === 'open' ? 'pending' : status;
