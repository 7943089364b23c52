import type pg from 'pg';

/** A table whose rows a backup holds. Partitions are part of their table. */
export interface TableShape {
  readonly name: string;
  /** Those that can be written, in their order in the table. */
  readonly columns: readonly string[];
}

export interface PartitionShape {
  readonly table: string;
  readonly name: string;
  /** As PostgreSQL prints it: `FOR VALUES FROM ('…') TO ('…')`. */
  readonly bound: string;
}

/** MikroORM's own list is written by migrating, not by restoring. */
const MIGRATIONS = 'migrations';

/** Unlogged tables hold what may be lost at any crash, so they are left out. */
const TABLES = `
  select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and c.relpersistence = 'p' and c.relname <> '${MIGRATIONS}'
     and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
   group by c.relname order by c.relname`;

const PARTITIONS = `
  select p.relname as table, c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
   where c.relnamespace = 'public'::regnamespace and c.relispartition and p.relispartition = false
     and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' order by c.relname`;

export const listTables = async (client: pg.Client): Promise<TableShape[]> =>
  (await client.query<TableShape>(TABLES)).rows;

/** All but the default ones, which migrations make. */
export const listPartitions = async (client: pg.Client): Promise<PartitionShape[]> =>
  (await client.query<PartitionShape>(PARTITIONS)).rows;

/** The applied migrations in their order; none when the database is new. */
export const listMigrations = async (client: pg.Client): Promise<string[]> => {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('public.${MIGRATIONS}') is not null as there`,
  );
  if (!rows[0]?.there) return [];
  return (await client.query<{ name: string }>(`select name from ${MIGRATIONS} order by name`)).rows.map(
    ({ name }) => name,
  );
};

/** A column list for COPY. */
export const columnList = (client: pg.Client, { columns }: TableShape): string =>
  columns.map((column) => client.escapeIdentifier(column)).join(', ');

/** COPY's text must mean the same wherever and whenever it is read: as pg_dump does it. */
export const fixFormats = (client: pg.Client): Promise<unknown> =>
  client.query(
    `set client_encoding = 'UTF8'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC';
     set extra_float_digits = 3; set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0`,
  );
