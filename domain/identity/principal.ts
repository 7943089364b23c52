import { DomainError, invalid } from '../errors.ts';

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
  'webhooks:read',
  'webhooks:write',
  'system:read',
  'users:read',
  'users:write',
  'roles:read',
  'roles:write',
  'stats:read',
  'system:write',
  'limits:read',
  'limits:write',
  'audit:read',
  'audit:redact',
] as const;
export type Scope = (typeof SCOPES)[number];

/** @throws DomainError `validation_error` on `field` for what is no permission. */
export const requireScopes = (scopes: readonly string[], field: string): void => {
  const unknown = scopes.find((scope) => !(SCOPES as readonly string[]).includes(scope));
  if (unknown !== undefined)
    throw invalid(field, `"${unknown}" is no scope; GET /api/v1/admin/scopes lists them`);
};

/** Rights over the whole server: they count only for those who are signed in to its first workspace. */
const SERVER_SCOPES: readonly Scope[] = [
  'limits:read',
  'limits:write',
  'users:read',
  'users:write',
  'roles:read',
  'roles:write',
  'stats:read',
  'system:write',
];

/** What somebody may do in the workspace that they are signed in to. @param isHome whether that is the server's first one */
export const effectiveScopes = (scopes: readonly string[], isHome: boolean): ReadonlySet<string> =>
  new Set(isHome ? scopes : scopes.filter((scope) => !(SERVER_SCOPES as readonly string[]).includes(scope)));

/** What only administrators may do: it spends money, shows the site to the world, or reaches beyond the workspace. */
const FOR_ADMINISTRATORS: readonly Scope[] = [
  'webhooks:write',
  'audit:read',
  'audit:redact',
  'budgets:write',
  'settings:write',
  'system:read',
  ...SERVER_SCOPES,
];

/** The roles that a fresh server has. Roles are data: these are only their first contents. */
export const BUILT_IN_ROLES: Record<'admin' | 'editor' | 'viewer', readonly Scope[]> = {
  admin: SCOPES,
  editor: SCOPES.filter((scope) => !FOR_ADMINISTRATORS.includes(scope)),
  viewer: SCOPES.filter(
    (scope) => scope.endsWith(':read') && scope !== 'webhooks:read' && !FOR_ADMINISTRATORS.includes(scope),
  ),
};

/** On whose behalf something happens, and in which workspace: the two things that every store access needs. */
export interface Principal {
  /** `user`: a signed-in person; `worker`: a workflow acting for a run; `webhook`: a system that sends events; `public`: a reader of the site. */
  readonly kind: 'user' | 'worker' | 'webhook' | 'public';
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

/** The sign-in of a person who acts themselves. @throws DomainError forbidden `people_only` for an API key. */
export const requireSignIn = ({ signInId }: UserPrincipal): string => {
  if (signInId === null)
    throw new DomainError('forbidden', 'people_only', 'An API key can not do this: sign in yourself.');
  return signInId;
};

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
