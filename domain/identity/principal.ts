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
  'settings:read',
  'settings:write',
  'keys:write',
  'system:read',
  'system:write',
] as const;
export type Scope = (typeof SCOPES)[number];

/** What only administrators may do: it spends money, shows the site to the world, or reaches beyond the workspace. */
const FOR_ADMINISTRATORS: readonly Scope[] = [
  'budgets:write',
  'settings:write',
  'system:read',
  'system:write',
];

/** The roles that a fresh server has. Roles are data: these are only their first contents. */
export const BUILT_IN_ROLES: Record<'admin' | 'editor' | 'viewer', readonly Scope[]> = {
  admin: SCOPES,
  editor: SCOPES.filter((scope) => !FOR_ADMINISTRATORS.includes(scope)),
  viewer: SCOPES.filter((scope) => scope.endsWith(':read') && scope !== 'system:read'),
};

/** On whose behalf something happens, and in which workspace: the two things that every store access needs. */
export interface Principal {
  /** `user`: a signed-in person; `worker`: a workflow acting for a run; `public`: a reader of the site. */
  readonly kind: 'user' | 'worker' | 'public';
  readonly userId: string | null;
  readonly workspaceId: string;
  /** The key with which a person's program acts; its scopes are less than theirs. */
  readonly apiKeyId?: string;
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
  /** `null` for an API key: it has no sign-in that could end. */
  readonly signInId: string | null;
}

export const workerPrincipal = (workspaceId: string): Principal => ({
  kind: 'worker',
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
