import { effectiveScopes, type UserPrincipal } from '../../domain/identity/principal.ts';
import { sql } from '../sql.ts';
import type { Store } from '../store.ts';

/** A person in a workspace, as the functions before sign-in answer them. */
export interface PrincipalRow {
  readonly user_id: string;
  readonly email: string;
  readonly display_name: string;
  readonly workspace_id: string;
  readonly workspace_slug: string;
  readonly role: string;
  readonly scopes: string[];
  readonly is_home: boolean;
}

/** @param how the person acts: by a sign-in of their own, or by an API key with fewer scopes */
export const toUserPrincipal = (
  row: PrincipalRow,
  how: Pick<UserPrincipal, 'scopes' | 'signInId' | 'apiKeyId'>,
): UserPrincipal => ({
  kind: 'user',
  userId: row.user_id,
  email: row.email,
  displayName: row.display_name,
  workspaceId: row.workspace_id,
  workspaceSlug: row.workspace_slug,
  role: row.role,
  ...how,
});

/** Who an open sign-in belongs to, and what they may do now. */
export const findPrincipal = async (store: Store, signInId: string): Promise<UserPrincipal | undefined> => {
  const row = await store.beforeWorkspace<PrincipalRow>(
    sql`select user_id, email, display_name, workspace_id, workspace_slug, role, scopes, is_home from signed_in_principal(${signInId})`,
  );
  return row && toUserPrincipal(row, { scopes: effectiveScopes(row.scopes, row.is_home), signInId });
};

export const findWorkspaceId = async (store: Store, slug: string): Promise<string | undefined> => {
  const row = await store.beforeWorkspace<{ id: string | null }>(sql`select workspace_id_of(${slug}) as id`);
  return row?.id ?? undefined;
};
