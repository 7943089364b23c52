import type { AuditResult, ClientInfo } from '../../domain/audit/entry.ts';
import { sql, type Sql } from '../sql.ts';
import type { Store } from '../store.ts';

/** Something that somebody did, or tried, at a sign-in door, before a workspace was known. */
export interface SignInAttempt {
  readonly action: `auth.${string}`;
  readonly result: AuditResult;
  /** The name or address that was typed in. */
  readonly username: string;
  /** Whose name that is; `null` when it is nobody's. */
  readonly userId: string | null;
  /** The slug of the workspace that was asked for. */
  readonly workspace: string | null;
  /** A stable code that says why it failed. */
  readonly reason?: string;
  readonly requestId: string;
  readonly client: ClientInfo;
}

/**
 * The entry about an attempt, as an expression for the statement that makes the sign-in, so that there is no sign-in
 * without it: sql`select sign_in_id, ${signInEntry(attempt)} from open_sign_in(…)`.
 */
export const signInEntry = (attempt: SignInAttempt): Sql => {
  const { username, reason, client } = attempt;
  const detail = JSON.stringify({ username, ...(reason === undefined ? {} : { reason }) });
  return sql`record_sign_in(${attempt.action}, ${attempt.result}, ${attempt.userId}, ${attempt.workspace}, ${detail}::jsonb,
    ${attempt.requestId}, ${client.address}, ${client.userAgent})`;
};

/** Writes the entry about an attempt in a transaction of its own: for those that failed, which change nothing else. */
export const auditSignIn = async (store: Store, attempt: SignInAttempt): Promise<void> => {
  await store.beforeWorkspace(sql`select ${signInEntry(attempt)}`);
};
