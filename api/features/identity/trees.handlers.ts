import { toTree } from '../../../domain/identity/tree.ts';
import type { JsonObject } from '../../../domain/json.ts';
import {
  DEPARTMENTS,
  insertDepartment,
  updateDepartment,
  type DepartmentContents,
  type DepartmentRow,
} from '../../../store/identity/departments.ts';
import {
  insertMenu,
  MENUS,
  updateMenu,
  type MenuContents,
  type MenuRow,
} from '../../../store/identity/menus.ts';
import { deleteNode, listTree, parentFor, requireNode, type Tree } from '../../../store/identity/trees.ts';
import type { Writer } from '../../../store/store.ts';
import type { Context } from '../../http/context.ts';
import { defineHandlers } from '../../http/operation.ts';
import { departmentView, menuView } from './trees.view.ts';

interface NodeRow {
  readonly id: string;
  readonly number: number;
  readonly parent_id: string | null;
  readonly parent_number: number | null;
}

/** One kind of thing that hangs in a tree: how it is stored and shown. */
interface Branch<Row extends NodeRow, Contents, Item extends object> {
  readonly tree: Tree;
  readonly insert: (tx: Writer, contents: Contents) => Promise<number>;
  readonly update: (tx: Writer, id: string, contents: Contents) => Promise<void>;
  readonly view: (row: Row) => Item;
  /** Why one can't go while others refer to it. */
  readonly inUse: string;
}

/** The four operations on a tree. @returns handlers that a door names. */
const branch = <Row extends NodeRow, Contents extends { parent_id: string | null }, Item extends object>({
  tree,
  insert,
  update,
  view,
  inUse,
}: Branch<Row, Contents, Item>) => {
  const record = (tx: Writer, action: string, id: string, change: JsonObject): void =>
    tx.audit(`${tree.what}.${action}`, tree.what, id, change);
  const json = (row: Row): JsonObject => view(row) as unknown as JsonObject;
  return {
    list: (ctx: Context) =>
      ctx.readAcross(async (db) => ({ items: toTree(await listTree<Row>(db, tree), view) })),
    create: (ctx: Context, parent: number | null, contents: Omit<Contents, 'parent_id'>) =>
      ctx.administer(async (tx) => {
        const parentId = await parentFor(tx, tree, parent, null);
        const number = await insert(tx, { ...contents, parent_id: parentId } as Contents);
        const row = await requireNode<Row>(tx, tree, number);
        record(tx, 'create', row.id, { after: json(row) });
        return view(row);
      }),
    change: (
      ctx: Context,
      number: number,
      parent: number | null | undefined,
      contents: (before: Row) => Omit<Contents, 'parent_id'>,
    ) =>
      ctx.administer(async (tx) => {
        const before = await requireNode<Row>(tx, tree, number);
        const parentId =
          parent === undefined ? before.parent_id : await parentFor(tx, tree, parent, before.id);
        await update(tx, before.id, { ...contents(before), parent_id: parentId } as Contents);
        const after = await requireNode<Row>(tx, tree, number);
        record(tx, 'update', before.id, { before: json(before), after: json(after) });
        return view(after);
      }),
    remove: (ctx: Context, number: number) =>
      ctx.administer(async (tx) => {
        const before = await requireNode<Row>(tx, tree, number);
        await deleteNode(tx, tree, before.id, inUse);
        record(tx, 'delete', before.id, { before: json(before) });
        return undefined;
      }),
  };
};

const departments = branch<DepartmentRow, DepartmentContents, ReturnType<typeof departmentView>>({
  tree: DEPARTMENTS,
  insert: insertDepartment,
  update: updateDepartment,
  view: departmentView,
  inUse: 'The department has others below it, or people in it: move them first.',
});

const menus = branch<MenuRow, MenuContents, ReturnType<typeof menuView>>({
  tree: MENUS,
  insert: insertMenu,
  update: updateMenu,
  view: menuView,
  inUse: 'The menu has others below it: move or delete them first.',
});

/** Departments and menus: two trees, one way to work on them. */
export const treeHandlers = () =>
  defineHandlers({
    listDepartments: (_input, ctx) => departments.list(ctx),
    createDepartment: ({ body }, ctx) =>
      departments.create(ctx, body.parent_id ?? null, {
        name: body.name,
        leader: body.leader ?? null,
        phone: body.phone ?? null,
        email: body.email ?? null,
        sort: body.sort ?? 0,
        is_active: body.status !== 0,
      }),
    updateDepartment: ({ params, body }, ctx) =>
      departments.change(ctx, params.id, body.parent_id, (before) => ({
        name: body.name ?? before.name,
        leader: body.leader === undefined ? before.leader : body.leader,
        phone: body.phone === undefined ? before.phone : body.phone,
        email: body.email === undefined ? before.email : body.email,
        sort: body.sort ?? before.sort,
        is_active: body.status === undefined ? before.is_active : body.status === 1,
      })),
    deleteDepartment: ({ params }, ctx) => departments.remove(ctx, params.id),

    listMenus: (_input, ctx) => menus.list(ctx),
    createMenu: ({ body }, ctx) =>
      menus.create(ctx, body.parent_id ?? null, {
        title: body.title,
        name: body.name,
        kind: body.type,
        path: body.path ?? null,
        icon: body.icon ?? null,
        scope: body.scope ?? null,
        sort: body.sort ?? 0,
        is_visible: body.display ?? true,
      }),
    updateMenu: ({ params, body }, ctx) =>
      menus.change(ctx, params.id, body.parent_id, (before) => ({
        title: body.title ?? before.title,
        name: body.name ?? before.name,
        kind: body.type ?? before.kind,
        path: body.path === undefined ? before.path : body.path,
        icon: body.icon === undefined ? before.icon : body.icon,
        scope: body.scope === undefined ? before.scope : body.scope,
        sort: body.sort ?? before.sort,
        is_visible: body.display ?? before.is_visible,
      })),
    deleteMenu: ({ params }, ctx) => menus.remove(ctx, params.id),
  });
