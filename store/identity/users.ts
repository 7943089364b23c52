import { conflict, notFound } from '../../domain/errors.ts';
import type { Listing } from '../page.ts';
import { sql, type Sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** A person, as administrators see them; the role is that in the server's own workspace, else in the first one joined. */
export interface UserRow {
  readonly id: string;
  readonly number: number;
  readonly email: string;
  readonly username: string;
  readonly display_name: string;
  readonly avatar_url: string | null;
  readonly role: string | null;
  readonly role_number: number | null;
  readonly department_number: number | null;
  readonly is_active: boolean;
  readonly last_login_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const COLUMNS = sql`u.id, u.number, u.email, u.username, u.display_name, u.avatar_url, r.name as role, r.number as role_number,
  d.number as department_number, u.disabled_at is null as is_active, u.last_login_at, u.created_at, u.updated_at`;

const FROM = sql`users u
  left join lateral (select m.role_id from memberships m join workspaces w on w.id = m.workspace_id
                      where m.user_id = u.id order by w.number <> 1, m.created_at limit 1) m on true
  left join roles r on r.id = m.role_id left join departments d on d.id = u.department_id`;

export interface UserFilter {
  readonly role?: string | undefined;
  readonly isActive?: boolean | undefined;
}

/** Everybody who has an account here, newest first. */
export const userListing = ({ role, isActive }: UserFilter): Listing => ({
  columns: COLUMNS,
  from: FROM,
  where: [
    sql`u.deleted_at is null`,
    ...(role === undefined ? [] : [sql`r.name = ${role}`]),
    ...(isActive === undefined ? [] : [sql`(u.disabled_at is null) = ${isActive}`]),
  ],
  order: [
    { column: sql`u.created_at`, type: 'timestamptz', descending: true },
    { column: sql`u.id`, type: 'uuid', descending: true },
  ],
});

/** A user by UUID, or by the number that document 004 prints. @throws DomainError not_found. */
export const requireUser = async (db: Reader, id: string | number): Promise<UserRow> => {
  const which = typeof id === 'number' ? sql`u.number = ${id}` : sql`u.id = ${id}`;
  const row = await db.maybe<UserRow>(
    sql`select ${COLUMNS} from ${FROM} where u.deleted_at is null and ${which}`,
  );
  if (!row) throw notFound('user', String(id));
  return row;
};

/** Says which unique name is taken. */
const taken = (error: { constraint?: string }): never => {
  if (error.constraint === 'users_email')
    throw conflict('email_taken', 'Somebody has an account with this email.');
  if (error.constraint === 'users_username')
    throw conflict('username_taken', 'Somebody has this user name: choose another.');
  throw error;
};

export interface NewUser {
  readonly email: string;
  readonly username: string;
  readonly displayName: string;
  /** argon2id; `null` for somebody who signs in elsewhere. */
  readonly passwordHash: string | null;
}

/** Adds an account that belongs to no workspace yet. @returns its id. @throws DomainError `email_taken`, `username_taken`. */
export const insertUser = async (tx: Writer, user: NewUser): Promise<string> => {
  const { id } = await tx
    .one<{ id: string }>(
      sql`insert into users (email, username, display_name, password_hash)
          values (lower(${user.email}), lower(${user.username}), ${user.displayName}, ${user.passwordHash}) returning id`,
    )
    .catch(taken);
  return id;
};

export interface UserChange {
  readonly email?: string | undefined;
  readonly username?: string | undefined;
  readonly displayName?: string | undefined;
  readonly avatarUrl?: string | null | undefined;
  readonly isActive?: boolean | undefined;
  readonly departmentId?: string | null | undefined;
}

const setting = (column: Sql, value: unknown): Sql[] =>
  value === undefined ? [] : [sql`${column} = ${value}`];

/** Changes what is given of a user; who is deactivated is signed out at once. @throws DomainError `email_taken`, `username_taken`. */
export const updateUser = async (tx: Writer, id: string, change: UserChange): Promise<void> => {
  const { isActive } = change;
  const sets = [
    ...setting(sql`email`, change.email?.toLowerCase()),
    ...setting(sql`username`, change.username?.toLowerCase()),
    ...setting(sql`display_name`, change.displayName),
    ...setting(sql`avatar_url`, change.avatarUrl),
    ...setting(sql`department_id`, change.departmentId),
    ...(isActive === undefined
      ? []
      : [sql`disabled_at = case when ${isActive} then null else coalesce(disabled_at, now()) end`]),
    sql`updated_at = now()`,
  ];
  const changes = sets.reduce((left, right) => sql`${left}, ${right}`);
  await tx.run(sql`update users set ${changes} where id = ${id} and deleted_at is null`).catch(taken);
  if (isActive === false)
    tx.send(sql`update sign_ins set revoked_at = now() where user_id = ${id} and revoked_at is null`);
};

/** Gives a person a role in a workspace, whatever it was before. @param slug of an existing workspace. */
export const setRole = async (
  tx: Writer,
  userId: string,
  role: { readonly id: string },
  workspaceId: string,
): Promise<void> => {
  await tx.run(
    sql`insert into memberships (workspace_id, user_id, role_id) values (${workspaceId}, ${userId}, ${role.id})
        on conflict (workspace_id, user_id) do update set role_id = excluded.role_id`,
  );
};

/**
 * Takes an account away: nobody can sign in with it, its names are free again, and what it did keeps its author's id.
 */
export const deleteUser = async (tx: Writer, id: string): Promise<void> => {
  tx.send(sql`update sign_ins set revoked_at = now() where user_id = ${id} and revoked_at is null`);
  tx.send(sql`delete from memberships where user_id = ${id}`);
  tx.send(sql`delete from identities where user_id = ${id}`);
  await tx.run(
    sql`update users set deleted_at = now(), disabled_at = coalesce(disabled_at, now()), updated_at = now(), password_hash = null,
               email = 'deleted-' || number || '@invalid', username = 'deleted-' || number, display_name = 'Deleted', avatar_url = null
         where id = ${id}`,
  );
};

export const setPassword = async (tx: Writer, id: string, hash: string): Promise<void> => {
  await tx.run(
    sql`update users set password_hash = ${hash}, password_changed_at = now(), updated_at = now() where id = ${id}`,
  );
};

const ADMINISTRATORS_LOCK = 7_205_114_011;

/**
 * Refuses a change, made by now in this transaction, that leaves nobody who can administer the server. One such change at
 * a time: two that each leave the other's administrator would leave none.
 * @throws DomainError conflict `last_administrator`: the transaction must not commit.
 */
export const requireAdministrator = async (tx: Writer): Promise<void> => {
  await tx.run(sql`select pg_advisory_xact_lock(${ADMINISTRATORS_LOCK})`);
  const left = await tx.maybe(
    sql`select 1 from users u join memberships m on m.user_id = u.id join roles r on r.id = m.role_id
          join workspaces w on w.id = m.workspace_id
         where u.disabled_at is null and u.deleted_at is null and w.number = 1
           and r.scopes @> array['users:write', 'roles:write'] limit 1`,
  );
  if (!left)
    throw conflict(
      'last_administrator',
      'This would leave nobody who can administer the server: make somebody else administrator first.',
    );
};
