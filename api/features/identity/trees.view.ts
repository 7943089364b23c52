import type { DepartmentRow } from '../../../store/identity/departments.ts';
import type { MenuRow } from '../../../store/identity/menus.ts';
import { time } from '../../http/wire.ts';
import { switchOf } from './users.view.ts';

/** A department as document 004 names things, without those below it. */
export const departmentView = (row: DepartmentRow) => ({
  id: row.number,
  parent_id: row.parent_number,
  name: row.name,
  leader: row.leader,
  phone: row.phone,
  email: row.email,
  sort: row.sort,
  status: switchOf(row.is_active),
  created_time: time(row.created_at),
  updated_time: time(row.updated_at),
});

/** A menu as document 004 names things, without those below it. */
export const menuView = (row: MenuRow) => ({
  id: row.number,
  parent_id: row.parent_number,
  title: row.title,
  name: row.name,
  type: row.kind,
  path: row.path,
  icon: row.icon,
  scope: row.scope,
  sort: row.sort,
  display: row.is_visible,
  created_time: time(row.created_at),
  updated_time: time(row.updated_at),
});
