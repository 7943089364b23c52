import { MikroORM } from '@mikro-orm/postgresql';
import type pg from 'pg';
import type { Principal } from '../domain/identity/principal.ts';
import type { Committed } from './consequences.ts';
import type { Reader, Writer } from './doors.ts';
import { entities } from './entities.ts';
import { ReadDoor } from './read-door.ts';
import type { Sql } from './sql.ts';
import { WriteDoor, type WriteOptions } from './write-door.ts';

export interface Store {
  /** Runs `fn` in a transaction that sees and changes only the principal's workspace. No network call belongs inside. */
  write<T>(principal: Principal, fn: (tx: Writer) => Promise<T>, options?: WriteOptions): Promise<T>;
  /** Runs `fn` on a read-only connection that sees only the principal's workspace. */
  read<T>(principal: Principal, fn: (db: Reader) => Promise<T>): Promise<T>;
  /** One of the few functions that answer before a workspace is known (sign-in, token, site). */
  beforeWorkspace<Row extends object>(query: Sql): Promise<Row | undefined>;
  /** Calls back after every commit that left something for others to see or to do. */
  onCommit(listener: (committed: Committed) => void): void;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/**
 * Opens the store for one role.
 * @param url the connection of `taskloom_app`; `migrate` makes that role neither superuser nor exempt from row security.
 */
export const openStore = async (
  url: string,
  options: { poolSize?: number; name?: string } = {},
): Promise<Store> => {
  const pooling = { max: options.poolSize ?? 10, name: options.name ?? 'taskloom' };
  const orm = await MikroORM.init({ clientUrl: url, entities, discovery: { warnWhenNoEntities: false } });
  const readDoor = new ReadDoor(url, pooling);
  const writeDoor = new WriteDoor(url, orm, pooling);
  const { pool } = writeDoor;
  return {
    pool,
    read: (principal, fn) => readDoor.read(principal, fn),
    write: (principal, fn, writeOptions = {}) => writeDoor.write(principal, fn, writeOptions),
    beforeWorkspace: async (query) => (await pool.query(query.text, query.values as unknown[])).rows[0],
    onCommit: (listener) => writeDoor.onCommit(listener),
    close: async () => {
      await readDoor.close();
      await orm.close();
      await pool.end();
    },
  };
};

export type { Reader, Writer } from './doors.ts';
export { sql } from './sql.ts';
