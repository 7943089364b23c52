import { requireGoodPassword } from '../../../domain/identity/password.ts';
import type { JsonObject } from '../../../domain/json.ts';
import { DEPARTMENTS, type DepartmentRow } from '../../../store/identity/departments.ts';
import { requireRole } from '../../../store/identity/roles.ts';
import { requireNode } from '../../../store/identity/trees.ts';
import {
  deleteUser,
  insertUser,
  requireAdministrator,
  requireUser,
  setPassword,
  setRole,
  updateUser,
  type UserRow,
} from '../../../store/identity/users.ts';
import { endSignIns } from '../../../store/identity/sign-ins.ts';
import { findWorkspace } from '../../../store/identity/workspaces.ts';
import type { Writer } from '../../../store/store.ts';
import { isCommonPassword } from '../../auth/common-passwords.ts';
import { hashPassword } from '../../auth/passwords.ts';

/** What an administrator may change of a user; what is not given stays. */
export interface UserEdit {
  readonly email?: string | undefined;
  readonly username?: string | undefined;
  readonly displayName?: string | undefined;
  readonly avatarUrl?: string | null | undefined;
  readonly isActive?: boolean | undefined;
  /** By name, or by the number that document 004 prints. */
  readonly role?: string | number | undefined;
  /** Where the role counts; the server's own workspace unless said. */
  readonly workspace?: string | undefined;
  readonly department?: number | null | undefined;
  /** Hashed, checked by `newPasswordHash`. */
  readonly passwordHash?: string | undefined;
}

/** What of a user stands in the audit log. */
const shown = (user: UserRow): JsonObject => ({
  email: user.email,
  username: user.username,
  name: user.display_name,
  role: user.role,
  is_active: user.is_active,
  department: user.department_number,
});

/** @throws DomainError `validation_error`. Outside any transaction: hashing takes a while on purpose. */
export const newPasswordHash = (
  password: string,
  owner: { readonly email: string; readonly username: string },
): Promise<string> => {
  requireGoodPassword(password, owner, isCommonPassword);
  return hashPassword(password);
};

const departmentId = async (
  tx: Writer,
  number: number | null | undefined,
): Promise<string | null | undefined> =>
  typeof number === 'number' ? (await requireNode<DepartmentRow>(tx, DEPARTMENTS, number)).id : number;

const apply = async (tx: Writer, id: string, edit: UserEdit): Promise<void> => {
  await updateUser(tx, id, { ...edit, departmentId: await departmentId(tx, edit.department) });
  if (edit.role !== undefined) {
    const role = await requireRole(tx, edit.role);
    const workspaceId =
      edit.workspace === undefined ? tx.principal.workspaceId : (await findWorkspace(tx, edit.workspace)).id;
    await setRole(tx, id, role, workspaceId);
  }
  if (edit.passwordHash !== undefined) {
    await setPassword(tx, id, edit.passwordHash);
    await endSignIns(tx, { userId: id });
  }
};

/**
 * Changes a user, with an audit entry of what was before and after.
 * @throws DomainError not_found, a taken name, or `last_administrator`.
 */
export const editUser = async (tx: Writer, which: string | number, edit: UserEdit): Promise<UserRow> => {
  const before = await requireUser(tx, which);
  await apply(tx, before.id, edit);
  await requireAdministrator(tx);
  const after = await requireUser(tx, before.id);
  tx.audit('user.update', 'user', before.id, {
    before: shown(before),
    after: shown(after),
    ...(edit.passwordHash === undefined ? {} : { password: 'set' }),
  });
  return after;
};

/** Adds a user to the server's own workspace, or another. @throws DomainError a taken name, not_found of a role. */
export const addUser = async (
  tx: Writer,
  user: UserEdit & { readonly email: string; readonly username: string; readonly displayName: string },
): Promise<UserRow> => {
  const { email, username, displayName, passwordHash = null } = user;
  const id = await insertUser(tx, { email, username, displayName, passwordHash });
  await apply(tx, id, { ...user, role: user.role ?? 'viewer', passwordHash: undefined });
  const row = await requireUser(tx, id);
  tx.audit('user.create', 'user', id, { after: shown(row) });
  return row;
};

/** @throws DomainError not_found, or `last_administrator`. */
export const removeUser = async (tx: Writer, which: string | number): Promise<void> => {
  const before = await requireUser(tx, which);
  await deleteUser(tx, before.id);
  await requireAdministrator(tx);
  tx.audit('user.delete', 'user', before.id, { before: shown(before) });
};
