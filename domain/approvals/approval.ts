export const APPROVAL_STATUSES = [
  'open',
  'approved',
  'rejected',
  'changes_requested',
  'expired',
  'cancelled',
] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

export const DECISIONS = ['approve', 'reject', 'request_changes'] as const;
export type DecisionWord = (typeof DECISIONS)[number];

/** Who must say yes. `roles: []` means any role whose scopes allow deciding. */
export interface ApprovalPolicy {
  readonly count: number;
  readonly roles: readonly string[];
  readonly allow_self: boolean;
}

export const DEFAULT_POLICY: ApprovalPolicy = { count: 1, roles: [], allow_self: true };

export type OnExpiry = 'reject' | 'approve';

export interface OpenApproval {
  readonly status: ApprovalStatus;
  readonly revision: number;
  readonly policy: ApprovalPolicy;
  readonly requestedBy: string | null;
  readonly expiresAt: Date | null;
  /** Yes-votes for the current revision by people other than the one who decides now. */
  readonly earlierYes: number;
  readonly alreadyDecidedByUser: boolean;
}

export interface Vote {
  readonly decision: DecisionWord;
  readonly revision: number;
  readonly userId: string;
  readonly role: string;
  readonly at: Date;
}

export type Refusal =
  | 'already_decided'
  | 'stale_revision'
  | 'approval_expired'
  | 'role_not_allowed'
  | 'self_approval'
  | 'already_voted';

export type Verdict = { readonly refused: Refusal } | { readonly status: ApprovalStatus };

/**
 * What one vote makes of an approval: a refusal, a verdict, or `open` while more votes are needed.
 * One no ends it; yes needs `policy.count` different people. Pure: the caller holds the row's lock.
 */
export const decideApproval = (approval: OpenApproval, vote: Vote): Verdict => {
  if (approval.status !== 'open') return { refused: 'already_decided' };
  if (approval.expiresAt !== null && approval.expiresAt <= vote.at) return { refused: 'approval_expired' };
  if (approval.revision !== vote.revision) return { refused: 'stale_revision' };
  if (approval.policy.roles.length > 0 && !approval.policy.roles.includes(vote.role))
    return { refused: 'role_not_allowed' };
  if (!approval.policy.allow_self && approval.requestedBy === vote.userId && vote.decision === 'approve')
    return { refused: 'self_approval' };
  if (approval.alreadyDecidedByUser) return { refused: 'already_voted' };
  if (vote.decision === 'reject') return { status: 'rejected' };
  if (vote.decision === 'request_changes') return { status: 'changes_requested' };
  return { status: approval.earlierYes + 1 >= approval.policy.count ? 'approved' : 'open' };
};
