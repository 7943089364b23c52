import { requireScopes } from '../../../domain/identity/principal.ts';
import { MENUS, type MenuRow } from '../../../store/identity/menus.ts';
import { toTree } from '../../../domain/identity/tree.ts';
import {
  deleteRole,
  insertRole,
  menusOfRole,
  requireRole,
  roleListing,
  setMenusOfRole,
  updateRole,
  type RoleRow,
} from '../../../store/identity/roles.ts';
import { listTree } from '../../../store/identity/trees.ts';
import { requireAdministrator } from '../../../store/identity/users.ts';
import type { Reader } from '../../../store/store.ts';
import { defineHandlers } from '../../http/operation.ts';
import { adminList } from '../../http/resource.ts';
import { time } from '../../http/wire.ts';
import { menuView } from './trees.view.ts';

const roleView = (role: RoleRow) => ({
  id: role.number,
  uuid: role.id,
  name: role.name,
  description: role.description,
  scopes: [...role.scopes].toSorted(),
  is_built_in: role.is_built_in,
  created_time: time(role.created_at),
  updated_time: time(role.updated_at),
});

const listRoles = adminList({
  path: '/api/v1/admin/sys/roles',
  view: roleView,
  listing: () => roleListing(),
});

const grantedMenus = async (db: Reader, role: RoleRow) => {
  const granted = new Set((await menusOfRole(db, role.id)).map(({ id }) => id));
  const menus = (await listTree<MenuRow>(db, MENUS)).filter(({ id }) => granted.has(id));
  return {
    role_id: role.number,
    menu_ids: menus.map(({ number }) => number),
    items: toTree(menus, menuView),
  };
};

/** Roles are data: named sets of scopes, and the menus that are shown to who has them. */
export const roleHandlers = () =>
  defineHandlers({
    listRoles,

    createRole: ({ body }, ctx) =>
      ctx.administer(async (tx) => {
        requireScopes(body.scopes, 'body.scopes');
        const number = await insertRole(tx, { ...body, description: body.description ?? '' });
        const role = await requireRole(tx, number);
        tx.audit('role.create', 'role', role.id, { after: { name: role.name, scopes: [...role.scopes] } });
        return roleView(role);
      }),

    updateRole: ({ params, body }, ctx) =>
      ctx.administer(async (tx) => {
        const before = await requireRole(tx, params.id);
        requireScopes(body.scopes ?? [], 'body.scopes');
        const contents = {
          name: body.name ?? before.name,
          description: body.description ?? before.description,
          scopes: body.scopes ?? before.scopes,
        };
        await updateRole(tx, before.id, contents);
        await requireAdministrator(tx);
        tx.audit('role.update', 'role', before.id, {
          before: { name: before.name, scopes: [...before.scopes] },
          after: { name: contents.name, scopes: [...contents.scopes] },
        });
        return roleView(await requireRole(tx, params.id));
      }),

    deleteRole: ({ params }, ctx) =>
      ctx.administer(async (tx) => {
        const role = await requireRole(tx, params.id);
        await deleteRole(tx, role);
        tx.audit('role.delete', 'role', role.id, { before: { name: role.name, scopes: [...role.scopes] } });
        return undefined;
      }),

    getRoleMenus: ({ params }, ctx) =>
      ctx.readAcross(async (db) => grantedMenus(db, await requireRole(db, params.id))),

    setRoleMenus: ({ params, body }, ctx) =>
      ctx.administer(async (tx) => {
        const role = await requireRole(tx, params.id);
        const before = (await grantedMenus(tx, role)).menu_ids;
        await setMenusOfRole(tx, role.id, body.menus);
        const after = await grantedMenus(tx, role);
        tx.audit('role.menus', 'role', role.id, { before, after: after.menu_ids });
        return after;
      }),
  });
