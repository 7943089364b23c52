import { notFound } from '../../../domain/errors.ts';
import { requireSignIn } from '../../../domain/identity/principal.ts';
import { endSignIns, listSignIns, type SignInRow } from '../../../store/identity/sign-ins.ts';
import { requireUser, updateUser } from '../../../store/identity/users.ts';
import type { Context } from '../../http/context.ts';
import { defineHandlers } from '../../http/operation.ts';
import { time } from '../../http/wire.ts';
import type { AccountDeps } from './account.flows.ts';
import { meView } from './users.view.ts';

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

const me = async ({ administration }: AccountDeps, ctx: Context) =>
  meView(ctx.principal, await administration.read((db) => requireUser(db, ctx.principal.userId)));

/** What people see and do about their own account. */
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
        ctx.caller,
      );
      deps.rightsChanged();
      return meView(
        { ...principal, displayName: body.name ?? principal.displayName },
        await deps.administration.read((db) => requireUser(db, principal.userId)),
      );
    },

    listMySignIns: async (_input, ctx) => {
      const rows = await deps.administration.read((db) => listSignIns(db, ctx.principal.userId));
      return { items: rows.map((row) => signInView(row, requireSignIn(ctx.principal))) };
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
        ctx.caller,
      );
      if (ended === 0) throw notFound('sign-in', params.sign_in_id);
      deps.rightsChanged();
      return undefined;
    },
  });
