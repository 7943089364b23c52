import type { JsonObject } from '../../../domain/json.ts';
import { approvalListing, requireApproval } from '../../../store/approvals/approvals.repository.ts';
import { decide } from '../../../store/approvals/decide.ts';
import { defineHandlers, type Input } from '../../http/operation.ts';
import { item, list } from '../../http/resource.ts';
import { approvalDetailView, approvalView } from './approvals.view.ts';

export const approvalHandlers = () =>
  defineHandlers({
    listApprovals: list({
      path: '/api/v1/approvals',
      view: approvalView,
      listing: ({ mine, status, kind }: Input<'listApprovals'>['query'], { principal }) =>
        approvalListing({
          status,
          kind,
          ...(mine ? { mine: { userId: principal.userId, role: principal.role } } : {}),
        }),
    }),

    getApproval: item('approval_id', requireApproval, approvalDetailView),

    decideApproval: ({ params, body }, ctx) =>
      ctx.write(async (tx) => {
        await decide(tx, params.approval_id, {
          decision: body.decision,
          revision: body.revision,
          comment: body.comment ?? null,
          edits: (body.edits as JsonObject | undefined) ?? null,
          answer: (body.answer as JsonObject | undefined) ?? null,
          userId: ctx.principal.userId,
          role: ctx.principal.role,
        });
        return approvalDetailView(await requireApproval(tx, params.approval_id));
      }),
  });
