import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import { orNameTaken, type Tree } from './trees.ts';

export interface MenuRow {
  readonly id: string;
  readonly number: number;
  readonly parent_id: string | null;
  readonly parent_number: number | null;
  readonly title: string;
  readonly name: string;
  readonly kind: 'directory' | 'page' | 'button';
  readonly path: string | null;
  readonly icon: string | null;
  /** What somebody must be allowed to do for it to be of use. */
  readonly scope: string | null;
  readonly sort: number;
  readonly is_visible: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const MENUS: Tree = {
  table: sql`menus`,
  what: 'menu',
  columns: sql`t.id, t.number, t.parent_id, p.number as parent_number, t.title, t.name, t.kind, t.path, t.icon, t.scope, t.sort, t.is_visible, t.created_at, t.updated_at`,
};

export type MenuContents = Pick<
  MenuRow,
  'parent_id' | 'title' | 'name' | 'kind' | 'path' | 'icon' | 'scope' | 'sort' | 'is_visible'
>;

/** @returns its number. @throws DomainError `menu_exists`. */
export const insertMenu = async (tx: Writer, m: MenuContents): Promise<number> => {
  const { number } = await tx
    .one<{ number: number }>(
      sql`insert into menus (parent_id, title, name, kind, path, icon, scope, sort, is_visible)
          values (${m.parent_id}, ${m.title}, ${m.name}, ${m.kind}, ${m.path}, ${m.icon}, ${m.scope}, ${m.sort}, ${m.is_visible}) returning number`,
    )
    .catch(orNameTaken(MENUS));
  return number;
};

/** @throws DomainError `menu_exists`. */
export const updateMenu = async (tx: Writer, id: string, m: MenuContents): Promise<void> => {
  await tx
    .run(
      sql`update menus set parent_id = ${m.parent_id}, title = ${m.title}, name = ${m.name}, kind = ${m.kind}, path = ${m.path},
                 icon = ${m.icon}, scope = ${m.scope}, sort = ${m.sort}, is_visible = ${m.is_visible}, updated_at = now() where id = ${id}`,
    )
    .catch(orNameTaken(MENUS));
};
