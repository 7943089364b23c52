import { describe, expect, test } from '@jest/globals';
import { decideApproval, DEFAULT_POLICY, type OpenApproval, type Vote } from './approval.ts';

const now = new Date('2026-01-01T12:00:00Z');
const open: OpenApproval = {
  status: 'open',
  revision: 2,
  policy: DEFAULT_POLICY,
  requestedBy: 'ann',
  expiresAt: null,
  earlierYes: 0,
  alreadyDecidedByUser: false,
};
const yes: Vote = { decision: 'approve', revision: 2, userId: 'bob', role: 'editor', at: now };

describe('a vote', () => {
  test.each<[string, Partial<OpenApproval>, Partial<Vote>, object]>([
    ['approves', {}, {}, { status: 'approved' }],
    ['rejects', {}, { decision: 'reject' }, { status: 'rejected' }],
    ['asks for changes', {}, { decision: 'request_changes' }, { status: 'changes_requested' }],
    [
      'of two that are needed leaves it open',
      { policy: { ...DEFAULT_POLICY, count: 2 } },
      {},
      { status: 'open' },
    ],
    [
      'that is the second of two approves',
      { policy: { ...DEFAULT_POLICY, count: 2 }, earlierYes: 1 },
      {},
      { status: 'approved' },
    ],
    [
      'against ends it although two are needed',
      { policy: { ...DEFAULT_POLICY, count: 2 } },
      { decision: 'reject' },
      { status: 'rejected' },
    ],
    ['on an older revision is refused', {}, { revision: 1 }, { refused: 'stale_revision' }],
    ['after the verdict is refused', { status: 'approved' }, {}, { refused: 'already_decided' }],
    ['at the moment of expiry is refused', { expiresAt: now }, {}, { refused: 'approval_expired' }],
    ['just before expiry counts', { expiresAt: new Date(now.getTime() + 1) }, {}, { status: 'approved' }],
    [
      'by another role is refused',
      { policy: { ...DEFAULT_POLICY, roles: ['admin'] } },
      {},
      { refused: 'role_not_allowed' },
    ],
    [
      "for one's own request is refused where the policy says so",
      { policy: { ...DEFAULT_POLICY, allow_self: false } },
      { userId: 'ann' },
      { refused: 'self_approval' },
    ],
    [
      "against one's own request is always allowed",
      { policy: { ...DEFAULT_POLICY, allow_self: false } },
      { userId: 'ann', decision: 'reject' },
      { status: 'rejected' },
    ],
    ['by the same person again is refused', { alreadyDecidedByUser: true }, {}, { refused: 'already_voted' }],
  ])('%s', (_what, approval, vote, verdict) => {
    expect(decideApproval({ ...open, ...approval }, { ...yes, ...vote })).toEqual(verdict);
  });
});
