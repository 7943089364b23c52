import { REDACTION, type AuditResult } from '../../domain/audit/entry.ts';
import { conflict, notFound } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Listing, Order } from '../page.ts';
import { sql, type Sql } from '../sql.ts';
import type { Writer } from '../store.ts';

export interface AuditRow {
  readonly id: number;
  readonly actor_kind: string;
  readonly actor_id: string | null;
  /** The name as it is today; null where nobody of this workspace has that id. */
  readonly actor_name: string | null;
  readonly action: string;
  readonly target_type: string | null;
  readonly target_id: string | null;
  readonly detail: JsonObject | null;
  readonly result: AuditResult;
  readonly request_id: string | null;
  readonly client_address: string | null;
  readonly user_agent: string | null;
  readonly content_hash: string;
  readonly seal: number | null;
  readonly redacted_at: Date | null;
  readonly redacted_by: string | null;
  readonly at: Date;
}

export interface AuditFilter {
  readonly actor?: string | undefined;
  /** One action, or with a dot at its end all that begin with it. */
  readonly action?: string | undefined;
  readonly targetType?: string | undefined;
  readonly targetId?: string | undefined;
  readonly result?: AuditResult | undefined;
  readonly requestId?: string | undefined;
  readonly from?: Date | undefined;
  /** Up to but not including. */
  readonly to?: Date | undefined;
}

/** What a view of the log shows: all of it, what people did to sign in, or all else. */
export type AuditView = 'all' | 'sign_ins' | 'operations';

const COLUMNS = sql`a.id, a.actor_kind, a.actor_id, a.action, a.target_type, a.target_id, a.detail, a.result, a.request_id,
  a.client_address, a.user_agent, a.content_hash, a.seal, a.redacted_at, a.redacted_by, a.at,
  (select u.display_name from users u where u.id = a.actor_id) as actor_name`;

const NEWEST_FIRST: Order[] = [
  { column: sql`a.at`, type: 'timestamptz', descending: true },
  { column: sql`a.id`, type: 'bigint', descending: true },
];

/** Redacted entries are gone from the two views that let people delete them, and are seen as such in the whole log. */
const VIEWS: Record<AuditView, Sql[]> = {
  all: [],
  sign_ins: [sql`a.action like 'auth.%'`, sql`a.redacted_at is null`],
  operations: [sql`a.action not like 'auth.%'`, sql`a.redacted_at is null`],
};

const ofAction = (action: string): Sql =>
  action.endsWith('.') ? sql`starts_with(a.action, ${action})` : sql`a.action = ${action}`;

/** Entries of the workspace, newest first. */
export const auditListing = (view: AuditView, filter: AuditFilter): Listing => ({
  columns: COLUMNS,
  from: sql`audit a`,
  where: [
    ...VIEWS[view],
    ...(filter.actor === undefined ? [] : [sql`a.actor_id = ${filter.actor}`]),
    ...(filter.action === undefined ? [] : [ofAction(filter.action)]),
    ...(filter.targetType === undefined ? [] : [sql`a.target_type = ${filter.targetType}`]),
    ...(filter.targetId === undefined ? [] : [sql`a.target_id = ${filter.targetId}`]),
    ...(filter.result === undefined ? [] : [sql`a.result = ${filter.result}`]),
    ...(filter.requestId === undefined ? [] : [sql`a.request_id = ${filter.requestId}`]),
    ...(filter.from === undefined ? [] : [sql`a.at >= ${filter.from}`]),
    ...(filter.to === undefined ? [] : [sql`a.at < ${filter.to}`]),
  ],
  order: NEWEST_FIRST,
});

/**
 * Removes what an entry says, leaves its hash, and makes an entry about that.
 * @throws DomainError `not_found`, also for an entry of the other view or one that was redacted already.
 */
export const redactEntry = async (tx: Writer, view: 'sign_ins' | 'operations', id: number): Promise<void> => {
  const entry = await tx.maybe<{ action: string; content_hash: string }>(
    sql`select a.action, a.content_hash from audit a where a.id = ${id} and ${VIEWS[view].reduce((a, b) => sql`${a} and ${b}`)}`,
  );
  if (!entry) throw notFound('log entry', String(id));
  if (entry.action === REDACTION)
    throw conflict('not_redactable', 'This entry says who redacted another one: it stays.');
  const { redacted } = await tx.one<{ redacted: boolean }>(sql`select redact_audit_entry(${id}) as redacted`);
  // Somebody else was quicker.
  if (!redacted) throw notFound('log entry', String(id));
  tx.audit(REDACTION, 'audit', String(id), { action: entry.action, content_hash: entry.content_hash });
};
