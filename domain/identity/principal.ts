/** Every permission there is. `openapi.yaml` asks for these; roles are sets of them. */
export const SCOPES = [
  'tasks:read',
  'tasks:write',
  'content:read',
  'content:write',
  'runs:read',
  'runs:write',
  'approvals:read',
  'approvals:decide',
  'events:read',
  'models:read',
  'models:write',
  'budgets:read',
  'budgets:write',
  'webhooks:read',
  'webhooks:write',
  'system:read',
] as const;
export type Scope = (typeof SCOPES)[number];

/** The roles that a fresh server has. Roles are data: these are only their first contents. */
export const BUILT_IN_ROLES: Record<'admin' | 'editor' | 'viewer', readonly Scope[]> = {
  admin: SCOPES,
  editor: SCOPES.filter(
    (scope) => scope !== 'system:read' && scope !== 'budgets:write' && scope !== 'webhooks:write',
  ),
  viewer: SCOPES.filter(
    (scope) => scope.endsWith(':read') && scope !== 'system:read' && scope !== 'webhooks:read',
  ),
};

/** On whose behalf something happens, and in which workspace: the two things that every store access needs. */
export interface Principal {
  /** `user`: a signed-in person; `worker`: a workflow acting for a run; `webhook`: a system that sends events; `public`: a reader of the site. */
  readonly kind: 'user' | 'worker' | 'webhook' | 'public';
  readonly userId: string | null;
  readonly workspaceId: string;
}

/** A signed-in person with what the security handler needs to know. */
export interface UserPrincipal extends Principal {
  readonly kind: 'user';
  readonly userId: string;
  readonly email: string;
  readonly displayName: string;
  readonly workspaceSlug: string;
  readonly role: string;
  readonly scopes: ReadonlySet<string>;
  readonly signInId: string;
}

export const workerPrincipal = (workspaceId: string): Principal => ({
  kind: 'worker',
  userId: null,
  workspaceId,
});
export const webhookPrincipal = (workspaceId: string): Principal => ({
  kind: 'webhook',
  userId: null,
  workspaceId,
});
export const publicPrincipal = (workspaceId: string): Principal => ({
  kind: 'public',
  userId: null,
  workspaceId,
});

/** Nobody in particular: sees only what is open across workspaces, such as the catalogue of models. */
export const ANYONE: Principal = publicPrincipal('');
