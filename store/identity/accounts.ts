import { v7 as uuidv7 } from 'uuid';
import { DomainError } from '../../domain/errors.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** Makes the workspace that belongs to one person alone. @param name for people. @returns its id. */
export const createPersonalWorkspace = async (
  tx: Writer,
  userId: string,
  name: string,
  roleId: string,
): Promise<string> => {
  const { id } = await tx.one<{ id: string }>(
    sql`insert into workspaces (slug, name) values (${`personal-${uuidv7()}`}, ${name}) returning id`,
  );
  await tx.run(
    sql`insert into memberships (workspace_id, user_id, role_id) values (${id}, ${userId}, ${roleId})`,
  );
  return id;
};

/** Seconds that a link to reset a password works. */
export const RESET_SECONDS = 3_600;

/** Makes a way to reset a person's password; those made before end. */
export const openPasswordReset = async (tx: Writer, userId: string, digest: Buffer): Promise<void> => {
  tx.send(sql`update password_resets set used_at = now() where user_id = ${userId} and used_at is null`);
  await tx.run(
    sql`insert into password_resets (digest, user_id, expires_at) values (${digest}, ${userId}, now() + make_interval(secs => ${RESET_SECONDS}))`,
  );
};

/** Whose password an open reset is for. */
export const findPasswordReset = (
  db: Reader,
  digest: Buffer,
): Promise<{ user_id: string; email: string; username: string } | undefined> =>
  db.maybe(
    sql`select p.user_id, u.email, u.username from password_resets p join users u on u.id = p.user_id
         where p.digest = ${digest} and p.used_at is null and p.expires_at > now() and u.disabled_at is null`,
  );

/** Uses a reset up. @returns whether it was still open: of two at once, one is. */
export const usePasswordReset = async (tx: Writer, digest: Buffer): Promise<boolean> =>
  (await tx.run(
    sql`update password_resets set used_at = now() where digest = ${digest} and used_at is null and expires_at > now()`,
  )) === 1;

export interface InvitationRow {
  readonly id: string;
  readonly email: string | null;
  readonly workspace: string | null;
  readonly role: string | null;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly is_used: boolean;
}

const INVITATION = sql`i.id, i.email, w.slug as workspace, r.name as role, i.created_at, i.expires_at, i.used_by is not null as is_used`;
const FROM = sql`invitations i left join workspaces w on w.id = i.workspace_id left join roles r on r.id = i.role_id`;

/** Invitations that can be used or were, newest first. */
export const listInvitations = (db: Reader): Promise<InvitationRow[]> =>
  db.many<InvitationRow>(
    sql`select ${INVITATION} from ${FROM} where i.revoked_at is null order by i.created_at desc, i.id desc limit 100`,
  );

export interface NewInvitation {
  readonly digest: Buffer;
  readonly email: string | null;
  /** Where, and as what, the invited person joins; both or neither. */
  readonly workspaceId: string | null;
  readonly roleId: string | null;
  readonly seconds: number;
}

export const insertInvitation = async (tx: Writer, input: NewInvitation): Promise<InvitationRow> => {
  const { id } = await tx.one<{ id: string }>(
    sql`insert into invitations (digest, email, workspace_id, role_id, invited_by, expires_at)
        values (${input.digest}, lower(${input.email}), ${input.workspaceId}, ${input.roleId}, ${tx.principal.userId},
                now() + make_interval(secs => ${input.seconds})) returning id`,
  );
  return tx.one<InvitationRow>(sql`select ${INVITATION} from ${FROM} where i.id = ${id}`);
};

/** @returns whether it existed and was not used. */
export const revokeInvitation = async (tx: Writer, id: string): Promise<boolean> =>
  (await tx.run(
    sql`update invitations set revoked_at = now() where id = ${id} and revoked_at is null and used_by is null`,
  )) === 1;

/**
 * Uses an invitation up for a person, who joins its workspace.
 * @throws DomainError forbidden `invitation_invalid` when it is unknown, over, used, or for another address.
 */
export const acceptInvitation = async (
  tx: Writer,
  digest: Buffer,
  person: { readonly userId: string; readonly email: string },
): Promise<void> => {
  const accepted = await tx.maybe<{ workspace_id: string | null; role_id: string | null }>(
    sql`update invitations set used_by = ${person.userId}
         where digest = ${digest} and used_by is null and revoked_at is null and expires_at > now()
           and (email is null or email = lower(${person.email}))
        returning workspace_id, role_id`,
  );
  if (!accepted)
    throw new DomainError(
      'forbidden',
      'invitation_invalid',
      'This invitation is not valid for this address, or no longer: ask for a new one.',
    );
  if (accepted.workspace_id && accepted.role_id)
    await tx.run(
      sql`insert into memberships (workspace_id, user_id, role_id) values (${accepted.workspace_id}, ${person.userId}, ${accepted.role_id})`,
    );
};
