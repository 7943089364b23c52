import type { Readable } from 'node:stream';
import pg from 'pg';
import {
  columnList,
  fixFormats,
  listMigrations,
  listPartitions,
  listTables,
  type PartitionShape,
  type TableShape,
} from './catalogue.ts';
import { copyOut } from './copy.ts';

export interface SequenceState {
  readonly name: string;
  /** As text, as it may be beyond what a number holds. */
  readonly last: string;
}

/** What a backup says of the database that it was taken from. */
export interface Described {
  readonly migrations: readonly string[];
  readonly tables: readonly TableShape[];
  readonly partitions: readonly PartitionShape[];
  readonly sequences: readonly SequenceState[];
}

/** The database as it was at one moment, however long reading it takes and whatever is written meanwhile. */
export interface Snapshot extends Described {
  readonly serverVersion: string;
  /** The rows of a table in COPY's text format. One at a time. */
  read(table: TableShape): { stream: Readable; rows: () => number };
  close(): Promise<void>;
}

/**
 * Tables of which this role may not see every row: row security applies to it, and no policy of its own shows all.
 * The owner is a member of taskloom_system, whose policies do.
 */
const HIDDEN = `
  select c.relname as name from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and row_security_active(c.oid)
     and (exists (select 1 from pg_policy p where p.polrelid = c.oid and not p.polpermissive)
       or not exists (
         select 1 from pg_policy p
          where p.polrelid = c.oid and p.polcmd in ('*', 'r') and pg_get_expr(p.polqual, p.polrelid) = 'true'
            and (0 = any(p.polroles) or exists (select 1 from unnest(p.polroles) r where pg_has_role(r, 'usage')))))
   order by 1`;

const SEQUENCES = `
  select sequencename as name, last_value::text as last from pg_sequences
   where schemaname = 'public' and last_value is not null order by 1`;

const requireSight = async (client: pg.Client): Promise<void> => {
  const { rows } = await client.query<{ name: string }>(HIDDEN);
  if (rows.length > 0)
    throw new Error(
      `Row security hides rows of ${rows.map(({ name }) => name).join(', ')} from this role, so the backup would not be whole: ` +
        'give the DATABASE_URL of the role that ran `npm run migrate`, or of a superuser.',
    );
};

/**
 * Opens a snapshot of the whole database. It holds nobody up; only migrations wait for its end.
 * @param url the owner's connection. @throws Error when the database has no schema, or shows this role only a part of its rows.
 */
export const openSnapshot = async (url: string): Promise<Snapshot> => {
  const client = new pg.Client({ connectionString: url, application_name: 'taskloom-backup' });
  await client.connect();
  try {
    await fixFormats(client);
    await client.query('begin isolation level repeatable read read only');
    const migrations = await listMigrations(client);
    if (migrations.length === 0)
      throw new Error('There is nothing to back up: DATABASE_URL names a database without a schema.');
    await requireSight(client);
    const tables = await listTables(client);
    const partitions = await listPartitions(client);
    const [version] = (await client.query<{ server_version: string }>('show server_version')).rows;
    // Numbers that others take from here on are missing in the rows, so a sequence is never behind them.
    const sequences = (await client.query<SequenceState>(SEQUENCES)).rows;
    return {
      serverVersion: version?.server_version ?? 'unknown',
      migrations,
      tables,
      partitions,
      sequences,
      read: (table) =>
        copyOut(
          client,
          `copy (select ${columnList(client, table)} from ${client.escapeIdentifier(table.name)}) to stdout`,
        ),
      close: () => client.end(),
    };
  } catch (error) {
    await client.end();
    throw error;
  }
};
