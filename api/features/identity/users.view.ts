import type { UserPrincipal } from '../../../domain/identity/principal.ts';
import type { UserRow } from '../../../store/identity/users.ts';
import { maybeTime, time } from '../../http/wire.ts';

/** How document 004 says yes and no. */
export const switchOf = (isOn: boolean): 0 | 1 => (isOn ? 1 : 0);

/** The signed-in person, with what they may do here. */
export const meView = (principal: UserPrincipal, user: UserRow) => ({
  id: user.id,
  email: user.email,
  username: user.username,
  name: user.display_name,
  avatar_url: user.avatar_url,
  role: principal.role,
  scopes: [...principal.scopes].toSorted(),
  workspace: { id: principal.workspaceId, slug: principal.workspaceSlug },
  created_at: time(user.created_at),
});

/** An account as document 002 answers to its registration. */
export const registeredView = (user: UserRow) => ({
  id: user.id,
  email: user.email,
  username: user.username,
  name: user.display_name,
  role: user.role ?? '',
  created_at: time(user.created_at),
});

/** A user as administrators see them. */
export const userView = (user: UserRow) => ({
  id: user.id,
  email: user.email,
  username: user.username,
  name: user.display_name,
  avatar_url: user.avatar_url,
  role: user.role,
  is_active: user.is_active,
  last_login_at: maybeTime(user.last_login_at),
  created_at: time(user.created_at),
  updated_at: time(user.updated_at),
});

/** A user as document 004 prints them: numbers for ids, `nickname`, and a status of 1 or 0. */
export const sysUserView = (user: UserRow) => ({
  id: user.number,
  uuid: user.id,
  username: user.username,
  nickname: user.display_name,
  email: user.email,
  avatar: user.avatar_url,
  status: switchOf(user.is_active),
  role: user.role,
  role_id: user.role_number,
  dept_id: user.department_number,
  last_login_time: maybeTime(user.last_login_at),
  created_time: time(user.created_at),
  updated_time: time(user.updated_at),
});
