import { notFound } from '../../../domain/errors.ts';
import { SCOPES } from '../../../domain/identity/principal.ts';
import {
  insertInvitation,
  listInvitations,
  revokeInvitation,
  type InvitationRow,
} from '../../../store/identity/accounts.ts';
import { requireRole } from '../../../store/identity/roles.ts';
import { endSignIns, listSignIns, type SignInRow } from '../../../store/identity/sign-ins.ts';
import { requireUser, updateUser } from '../../../store/identity/users.ts';
import { findWorkspace } from '../../../store/identity/workspaces.ts';
import { digestOf, newOpaque } from '../../auth/opaque.ts';
import type { Context } from '../../http/context.ts';
import { defineHandlers, reply } from '../../http/operation.ts';
import { time } from '../../http/wire.ts';
import {
  changePassword,
  register,
  requestPasswordReset,
  resetPassword,
  type AccountDeps,
} from './account.flows.ts';
import { meView, registeredView } from './users.view.ts';

const signInView = (row: SignInRow, current: string) => ({
  id: row.id,
  workspace: row.workspace,
  method: row.method,
  address: row.address,
  user_agent: row.user_agent,
  is_current: row.id === current,
  created_at: time(row.created_at),
  expires_at: time(row.expires_at),
});

const invitationView = (row: InvitationRow) => ({
  id: row.id,
  email: row.email,
  workspace: row.workspace,
  role: row.role,
  is_used: row.is_used,
  created_at: time(row.created_at),
  expires_at: time(row.expires_at),
});

const me = async ({ administration }: AccountDeps, ctx: Context) =>
  meView(ctx.principal, await administration.read((db) => requireUser(db, ctx.principal.userId)));

/** What people do about their own account, and what lets them have one. */
export const accountHandlers = (deps: AccountDeps) =>
  defineHandlers({
    getMe: (_input, ctx) => me(deps, ctx),
    getMeV1: (_input, ctx) => me(deps, ctx),
    getMeBrief: async (_input, ctx) => {
      const user = await deps.administration.read((db) => requireUser(db, ctx.principal.userId));
      return { user_id: user.id, email: user.email, name: user.display_name, avatar_url: user.avatar_url };
    },

    updateMe: async ({ body }, ctx) => {
      const { principal } = ctx;
      await deps.administration.write(
        principal,
        async (tx) => {
          const before = await requireUser(tx, principal.userId);
          await updateUser(tx, principal.userId, { displayName: body.name, avatarUrl: body.avatar_url });
          tx.audit('user.update', 'user', principal.userId, {
            before: { name: before.display_name, avatar_url: before.avatar_url },
            after: {
              name: body.name ?? before.display_name,
              avatar_url: body.avatar_url ?? before.avatar_url,
            },
          });
        },
        { requestId: ctx.requestId },
      );
      deps.rightsChanged();
      return meView(
        { ...principal, displayName: body.name ?? principal.displayName },
        await deps.administration.read((db) => requireUser(db, principal.userId)),
      );
    },

    listMySignIns: async (_input, ctx) => {
      const rows = await deps.administration.read((db) => listSignIns(db, ctx.principal.userId));
      return { items: rows.map((row) => signInView(row, ctx.principal.signInId)) };
    },

    endMySignIn: async ({ params }, ctx) => {
      const { principal } = ctx;
      const ended = await deps.administration.write(
        principal,
        async (tx) => {
          const n = await endSignIns(tx, { userId: principal.userId, id: params.sign_in_id });
          if (n > 0) tx.audit('auth.logout', 'user', principal.userId, { sign_in_id: params.sign_in_id });
          return n;
        },
        { requestId: ctx.requestId },
      );
      if (ended === 0) throw notFound('sign-in', params.sign_in_id);
      deps.rightsChanged();
      return undefined;
    },

    register: async ({ body }, ctx) => registeredView(await register(deps, registrantOf(body), ctx.caller)),
    registerV1: async ({ body }, ctx) => registeredView(await register(deps, registrantOf(body), ctx.caller)),

    changePassword: async ({ body }, ctx) => {
      const given = { current: body.current_password, next: body.new_password };
      await changePassword(deps, ctx.principal, given, ctx.caller);
      return undefined;
    },

    requestPasswordReset: async ({ body }, ctx) => {
      // Nobody waits for it: how long it takes would say whether there is an account.
      void requestPasswordReset(deps, body.email, ctx.caller).catch((err: unknown) =>
        ctx.log.error({ err }, 'a password could not be reset'),
      );
      return reply(202, { message: 'Whoever has an account with this address gets a link.' });
    },

    resetPassword: async ({ body }, ctx) => {
      await resetPassword(deps, { token: body.token, password: body.new_password }, ctx.caller);
      return undefined;
    },

    createInvitation: ({ body }, ctx) =>
      ctx.administer(async (tx) => {
        const workspace = body.workspace === undefined ? null : await findWorkspace(tx, body.workspace);
        const role = workspace === null ? null : await requireRole(tx, body.role ?? 'viewer');
        const token = newOpaque('tli');
        const row = await insertInvitation(tx, {
          digest: digestOf(token),
          email: body.email ?? null,
          workspaceId: workspace?.id ?? null,
          roleId: role?.id ?? null,
          seconds: (body.expires_in_days ?? 7) * 86_400,
        });
        tx.audit('invitation.create', 'invitation', row.id, {
          email: row.email,
          workspace: row.workspace,
          role: row.role,
        });
        return { ...invitationView(row), token };
      }),

    listInvitations: (_input, ctx) =>
      ctx.readAcross(async (db) => ({ items: (await listInvitations(db)).map(invitationView) })),

    revokeInvitation: ({ params }, ctx) =>
      ctx.administer(async (tx) => {
        if (!(await revokeInvitation(tx, params.invitation_id)))
          throw notFound('invitation', params.invitation_id);
        tx.audit('invitation.revoke', 'invitation', params.invitation_id, {});
        return undefined;
      }),

    listScopes: async () => ({ items: [...SCOPES] }),
  });

const registrantOf = (body: {
  email: string;
  username: string;
  password: string;
  full_name?: string;
  invitation?: string;
}) => ({
  email: body.email,
  username: body.username.toLowerCase(),
  password: body.password,
  displayName: body.full_name ?? body.username,
  invitation: body.invitation ?? null,
});
