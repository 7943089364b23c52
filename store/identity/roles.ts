import { conflict, notFound } from '../../domain/errors.ts';
import type { Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** A named set of scopes. */
export interface RoleRow {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly description: string;
  readonly scopes: readonly string[];
  readonly is_built_in: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const COLUMNS = sql`r.id, r.number, r.name, r.description, r.scopes, r.is_built_in, r.created_at, r.updated_at`;

export const roleListing = (): Listing => ({
  columns: COLUMNS,
  from: sql`roles r`,
  where: [],
  order: [
    { column: sql`r.created_at`, type: 'timestamptz', descending: true },
    { column: sql`r.id`, type: 'uuid', descending: true },
  ],
});

/** @param role its number or its name. @throws DomainError not_found. */
export const requireRole = async (db: Reader, role: number | string): Promise<RoleRow> => {
  const which = typeof role === 'number' ? sql`r.number = ${role}` : sql`r.name = ${role}`;
  const row = await db.maybe<RoleRow>(sql`select ${COLUMNS} from roles r where ${which}`);
  if (!row) throw notFound('role', String(role));
  return row;
};

const taken = (error: { code?: string }): never => {
  if (error.code === '23505') throw conflict('role_exists', 'There is a role of this name.');
  throw error;
};

export interface RoleContents {
  readonly name: string;
  readonly description: string;
  readonly scopes: readonly string[];
}

/** @throws DomainError `role_exists`. */
export const insertRole = async (tx: Writer, role: RoleContents): Promise<number> => {
  const { number } = await tx
    .one<{ number: number }>(
      sql`insert into roles (name, description, scopes) values (${role.name}, ${role.description}, ${role.scopes}) returning number`,
    )
    .catch(taken);
  return number;
};

/** @throws DomainError `role_exists`. */
export const updateRole = async (tx: Writer, id: string, role: RoleContents): Promise<void> => {
  await tx
    .run(
      sql`update roles set name = ${role.name}, description = ${role.description}, scopes = ${role.scopes}, updated_at = now() where id = ${id}`,
    )
    .catch(taken);
};

/** @throws DomainError `role_in_use`: somebody has it, or it is one of those that the server comes with. */
export const deleteRole = async (tx: Writer, role: RoleRow): Promise<void> => {
  if (role.is_built_in)
    throw conflict(
      'role_in_use',
      `The role "${role.name}" comes with the server and stays; change its scopes instead.`,
    );
  await tx.run(sql`delete from roles where id = ${role.id}`).catch((error: { code?: string }) => {
    if (error.code === '23503')
      throw conflict(
        'role_in_use',
        `Somebody has, or is invited to, the role "${role.name}": give them another first.`,
      );
    throw error;
  });
};

/** The menus that a role is granted, by number. */
export const menusOfRole = (db: Reader, roleId: string): Promise<{ id: string }[]> =>
  db.many(sql`select menu_id as id from role_menus where role_id = ${roleId}`);

/** Replaces a role's menus. @throws DomainError not_found for a number that no menu has. */
export const setMenusOfRole = async (
  tx: Writer,
  roleId: string,
  numbers: readonly number[],
): Promise<void> => {
  tx.send(sql`delete from role_menus where role_id = ${roleId}`);
  const wanted = [...new Set(numbers)];
  const granted = await tx.many<{ number: number }>(
    sql`with chosen as (select id, number from menus where number = any(${wanted}::bigint[])),
          granted as (insert into role_menus (role_id, menu_id) select ${roleId}, id from chosen)
        select number from chosen`,
  );
  const known = new Set(granted.map(({ number }) => number));
  const unknown = wanted.find((number) => !known.has(number));
  if (unknown !== undefined) throw notFound('menu', String(unknown));
};
