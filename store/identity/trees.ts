import { conflict, notFound } from '../../domain/errors.ts';
import { sql, type Sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** A table whose rows hang below one another: departments, menus. */
export interface Tree {
  readonly table: Sql;
  /** For people. */
  readonly what: string;
  readonly columns: Sql;
}

/** Two moves at once could each hang the other's row below its own. */
const MOVE_LOCK = 7_205_114_012;

/** All rows, parents and siblings in their order. */
export const listTree = <Row extends object>(db: Reader, { table, columns }: Tree): Promise<Row[]> =>
  db.many<Row>(
    sql`select ${columns} from ${table} t left join ${table} p on p.id = t.parent_id order by t.sort, t.number`,
  );

/** A row by the number that document 004 prints. @throws DomainError not_found. */
export const requireNode = async <Row extends object>(
  db: Reader,
  tree: Tree,
  number: number,
): Promise<Row> => {
  const row = await db.maybe<Row>(
    sql`select ${tree.columns} from ${tree.table} t left join ${tree.table} p on p.id = t.parent_id where t.number = ${number}`,
  );
  if (!row) throw notFound(tree.what, String(number));
  return row;
};

/**
 * The parent of a row that is made or moved, from its number.
 * @param id of the row that is moved; `null` for a new one. @throws DomainError not_found, or conflict when the parent hangs below the row itself.
 */
export const parentFor = async (
  tx: Writer,
  tree: Tree,
  parent: number | null,
  id: string | null,
): Promise<string | null> => {
  if (parent === null) return null;
  await tx.run(sql`select pg_advisory_xact_lock(${MOVE_LOCK})`);
  const found = await tx.maybe<{ id: string; is_below: boolean }>(
    sql`with recursive above as (
          select id, parent_id from ${tree.table} where number = ${parent}
          union select t.id, t.parent_id from ${tree.table} t join above on t.id = above.parent_id)
        select (select id from ${tree.table} where number = ${parent}) as id, exists (select 1 from above where id = ${id}::uuid) as is_below
         where exists (select 1 from above)`,
  );
  if (!found) throw notFound(tree.what, String(parent));
  if (found.is_below) throw conflict('parent_is_below', `A ${tree.what} can't hang below itself.`);
  return found.id;
};

/** @param code why the row can't go when others refer to it. @throws DomainError conflict. */
export const deleteNode = async (tx: Writer, tree: Tree, id: string, message: string): Promise<void> => {
  await tx.run(sql`delete from ${tree.table} where id = ${id}`).catch((error: { code?: string }) => {
    if (error.code === '23503') throw conflict(`${tree.what}_in_use`, message);
    throw error;
  });
};

/** @throws DomainError conflict when the name is taken. */
export const orNameTaken =
  (tree: Tree) =>
  (error: { code?: string }): never => {
    if (error.code === '23505')
      throw conflict(`${tree.what}_exists`, `There is a ${tree.what} of this name in this place.`);
    throw error;
  };
