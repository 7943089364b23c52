import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import { orNameTaken, type Tree } from './trees.ts';

export interface DepartmentRow {
  readonly id: string;
  readonly number: number;
  readonly parent_id: string | null;
  readonly parent_number: number | null;
  readonly name: string;
  readonly leader: string | null;
  readonly phone: string | null;
  readonly email: string | null;
  readonly sort: number;
  readonly is_active: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const DEPARTMENTS: Tree = {
  table: sql`departments`,
  what: 'department',
  columns: sql`t.id, t.number, t.parent_id, p.number as parent_number, t.name, t.leader, t.phone, t.email, t.sort, t.is_active, t.created_at, t.updated_at`,
};

export type DepartmentContents = Pick<
  DepartmentRow,
  'parent_id' | 'name' | 'leader' | 'phone' | 'email' | 'sort' | 'is_active'
>;

/** @returns its number. @throws DomainError `department_exists`. */
export const insertDepartment = async (tx: Writer, d: DepartmentContents): Promise<number> => {
  const { number } = await tx
    .one<{ number: number }>(
      sql`insert into departments (parent_id, name, leader, phone, email, sort, is_active)
          values (${d.parent_id}, ${d.name}, ${d.leader}, ${d.phone}, ${d.email}, ${d.sort}, ${d.is_active}) returning number`,
    )
    .catch(orNameTaken(DEPARTMENTS));
  return number;
};

/** @throws DomainError `department_exists`. */
export const updateDepartment = async (tx: Writer, id: string, d: DepartmentContents): Promise<void> => {
  await tx
    .run(
      sql`update departments set parent_id = ${d.parent_id}, name = ${d.name}, leader = ${d.leader}, phone = ${d.phone},
                 email = ${d.email}, sort = ${d.sort}, is_active = ${d.is_active}, updated_at = now() where id = ${id}`,
    )
    .catch(orNameTaken(DEPARTMENTS));
};
