import { notFound } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { newestFirst, type Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';
import { APPROVAL_COLUMNS, type ApprovalRow } from './approvals.ts';

export interface DecisionRow {
  readonly user_id: string;
  readonly decision: 'approve' | 'reject' | 'request_changes';
  readonly revision: number;
  readonly comment: string | null;
  readonly edits: JsonObject | null;
  readonly answer: JsonObject | null;
  readonly at: Date;
}

export interface InboxFilter {
  readonly status?: string | undefined;
  readonly kind?: string | undefined;
  /** Only what this person may decide and has not decided yet. */
  readonly mine?: { readonly userId: string; readonly role: string } | undefined;
}

/** Approvals, newest first. */
export const approvalListing = (filter: InboxFilter): Listing => {
  const { mine, kind, status } = filter;
  const counters = { kind: `approval/${kind ?? ''}`, statuses: status === undefined ? null : [status] };
  return {
    columns: APPROVAL_COLUMNS,
    from: sql`approvals a`,
    where: [
      ...(status === undefined ? [] : [sql`a.status = ${status}`]),
      ...(kind === undefined ? [] : [sql`a.kind = ${kind}`]),
      ...(mine === undefined
        ? []
        : [
            sql`a.status = 'open' and (a.expires_at is null or a.expires_at > now())`,
            sql`(a.policy->'roles' = '[]'::jsonb or jsonb_exists(a.policy->'roles', ${mine.role}))`,
            sql`((a.policy->>'allow_self')::boolean or a.requested_by is distinct from ${mine.userId}::uuid)`,
            sql`not exists (select 1 from approval_decisions d
                             where d.approval_id = a.id and d.revision = a.revision and d.user_id = ${mine.userId})`,
          ]),
    ],
    order: newestFirst('a'),
    ...(mine === undefined ? { counters } : {}),
  };
};

/** @throws DomainError not_found. */
export const requireApproval = async (
  db: Reader,
  id: string,
): Promise<ApprovalRow & { decisions: DecisionRow[] }> => {
  const approval = await db.maybe<ApprovalRow>(
    sql`select ${APPROVAL_COLUMNS} from approvals a where a.id = ${id}`,
  );
  if (!approval) throw notFound('approval', id);
  const decisions = await db.many<DecisionRow>(
    sql`select user_id, decision, revision, comment, edits, answer, at from approval_decisions where approval_id = ${id} order by at, id`,
  );
  return { ...approval, decisions };
};

/** The newest approval about something, whatever its status. */
export const newestApprovalOf = (
  db: Reader,
  subjectType: string,
  subjectId: string,
): Promise<ApprovalRow | undefined> =>
  db.maybe<ApprovalRow>(
    sql`select ${APPROVAL_COLUMNS} from approvals a where a.subject_type = ${subjectType} and a.subject_id = ${subjectId}
         order by a.created_at desc limit 1`,
  );
