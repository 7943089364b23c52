import type { UserPrincipal } from '../../domain/identity/principal.ts';
import { signInEntry, type SignInAttempt } from '../audit/sign-ins.ts';
import { sql } from '../sql.ts';
import type { Store } from '../store.ts';

export interface SignInCandidate {
  readonly user_id: string;
  readonly password_hash: string;
  readonly disabled: boolean;
}

export const findSignInCandidate = (store: Store, email: string): Promise<SignInCandidate | undefined> =>
  store.beforeWorkspace(sql`select user_id, password_hash, disabled from sign_in_candidate(${email})`);

/**
 * Opens a sign-in for a person in a workspace, with its audit entry. @returns its id, or `undefined` when they are no
 * member there.
 */
export const openSignIn = async (
  store: Store,
  input: { userId: string; workspace: string | null; seconds: number; attempt: SignInAttempt },
): Promise<string | undefined> => {
  const row = await store.beforeWorkspace<{ sign_in_id: string }>(
    sql`select sign_in_id, ${signInEntry(input.attempt)} from open_sign_in(${input.userId}, ${input.workspace}, ${input.seconds})`,
  );
  return row?.sign_in_id;
};

interface PrincipalRow {
  readonly user_id: string;
  readonly email: string;
  readonly display_name: string;
  readonly workspace_id: string;
  readonly workspace_slug: string;
  readonly role: string;
  readonly scopes: string[];
}

/** Who an open sign-in belongs to, and what they may do now. */
export const findPrincipal = async (store: Store, signInId: string): Promise<UserPrincipal | undefined> => {
  const row = await store.beforeWorkspace<PrincipalRow>(
    sql`select user_id, email, display_name, workspace_id, workspace_slug, role, scopes from signed_in_principal(${signInId})`,
  );
  if (!row) return undefined;
  return {
    kind: 'user',
    userId: row.user_id,
    email: row.email,
    displayName: row.display_name,
    workspaceId: row.workspace_id,
    workspaceSlug: row.workspace_slug,
    role: row.role,
    scopes: new Set(row.scopes),
    signInId,
  };
};

export const findWorkspaceId = async (store: Store, slug: string): Promise<string | undefined> => {
  const row = await store.beforeWorkspace<{ id: string | null }>(sql`select workspace_id_of(${slug}) as id`);
  return row?.id ?? undefined;
};
