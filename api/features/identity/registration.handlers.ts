import { notFound } from '../../../domain/errors.ts';
import {
  insertInvitation,
  listInvitations,
  revokeInvitation,
  type InvitationRow,
} from '../../../store/identity/accounts.ts';
import { requireRole } from '../../../store/identity/roles.ts';
import { findWorkspace } from '../../../store/identity/workspaces.ts';
import { digestOf, newOpaque } from '../../auth/opaque.ts';
import { defineHandlers } from '../../http/operation.ts';
import { time } from '../../http/wire.ts';
import { register, type AccountDeps } from './account.flows.ts';
import { registeredView } from './users.view.ts';

const invitationView = (row: InvitationRow) => ({
  id: row.id,
  email: row.email,
  workspace: row.workspace,
  role: row.role,
  is_used: row.is_used,
  created_at: time(row.created_at),
  expires_at: time(row.expires_at),
});

const registrantOf = (body: {
  email: string;
  username: string;
  password: string;
  full_name?: string;
  invitation?: string;
}) => ({
  email: body.email,
  username: body.username,
  password: body.password,
  displayName: body.full_name ?? body.username,
  invitation: body.invitation ?? null,
});

/** How people come to have an account. */
export const registrationHandlers = (deps: AccountDeps) =>
  defineHandlers({
    register: async ({ body }, ctx) => registeredView(await register(deps, registrantOf(body), ctx.caller)),
    registerV1: async ({ body }, ctx) => registeredView(await register(deps, registrantOf(body), ctx.caller)),

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
  });
