import pg from 'pg';
import { migrate, type DatabaseUrls } from '../setup/migrate.ts';
import {
  columnList,
  fixFormats,
  listMigrations,
  listPartitions,
  listTables,
  type PartitionShape,
} from './catalogue.ts';
import { copyIn } from './copy.ts';
import type { Described } from './snapshot.ts';

/** Takes the rows of tables, one table after the other. */
export interface Loading {
  /** From here on rows of this table come. */
  table(name: string): Promise<void>;
  write(bytes: Buffer): Promise<void>;
}

const EMPTY_IT =
  'A backup goes into a new database: name one in DATABASE_URL (`create database …`), or another TASKLOOM_DATA_DIR for the embedded server.';

/**
 * A database counts as empty when nothing was ever done in it: no tables, or the schema of this very backup and no person,
 * which is what an interrupted restore leaves.
 * @throws Error that says what to do.
 */
const requireEmpty = async (client: pg.Client, migrations: readonly string[]): Promise<void> => {
  const { rows } = await client.query<{ n: string }>(
    `select count(*) as n from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
  );
  if (rows[0]?.n === '0') return;
  const applied = await listMigrations(client);
  if (applied.length === 0) throw new Error(`The database holds tables that are not Taskloom's. ${EMPTY_IT}`);
  if (applied.join() !== migrations.join() || (await client.query('select 1 from users limit 1')).rowCount)
    throw new Error(`The database is not empty, and nothing in it was changed. ${EMPTY_IT}`);
};

const BOUND = /^FOR VALUES FROM \('[\w:+. -]+'\) TO \('[\w:+. -]+'\)$/;

/** Days of the event log that the backup has and a new schema does not. */
const makePartitions = async (client: pg.Client, wanted: readonly PartitionShape[]): Promise<void> => {
  const there = new Set((await listPartitions(client)).map(({ name }) => name));
  for (const { table, name, bound } of wanted) {
    if (there.has(name)) continue;
    if (!BOUND.test(bound)) throw new Error(`The backup names a partition with the bound ${bound}`);
    await client.query(
      `create table ${client.escapeIdentifier(name)} partition of ${client.escapeIdentifier(table)} ${bound}`,
    );
  }
};

const requireSameShape = async (client: pg.Client, described: Described): Promise<void> => {
  const shapes = new Map((await listTables(client)).map((table) => [table.name, table.columns.join()]));
  const names = new Set([...shapes.keys(), ...described.tables.map(({ name }) => name)]);
  const others = new Map(described.tables.map((table) => [table.name, table.columns.join()]));
  const different = [...names].filter((name) => shapes.get(name) !== others.get(name));
  if (different.length > 0)
    throw new Error(
      `The backup has other columns than the schema ${described.migrations.at(-1)} of this Taskloom, in ${different.join(', ')}: restore it with the version that made it.`,
    );
};

/**
 * What stands in the way of loading rows as they are: foreign keys (two tables may point at each other), row security, which
 * COPY does not pass even where a policy would, and triggers. All in the transaction of the load.
 */
const openTheWay = async (client: pg.Client): Promise<readonly string[]> => {
  const { rows: keys } = await client.query<{ on: string; name: string; definition: string }>(
    `select conrelid::regclass::text as on, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
       from pg_constraint where contype = 'f' and conparentid = 0 and connamespace = 'public'::regnamespace`,
  );
  const { rows: forced } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace and relforcerowsecurity`,
  );
  const { rows: triggered } = await client.query<{ name: string; trigger: string }>(
    `select tgrelid::regclass::text as name, quote_ident(tgname) as trigger from pg_trigger
      where not tgisinternal and tgenabled = 'O' and tgparentid = 0
        and tgrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)`,
  );
  for (const { on, name } of keys) await client.query(`alter table ${on} drop constraint ${name}`);
  for (const { name } of forced) await client.query(`alter table ${name} no force row level security`);
  for (const { name, trigger } of triggered)
    await client.query(`alter table ${name} disable trigger ${trigger}`);
  return [
    ...triggered.map(({ name, trigger }) => `alter table ${name} enable trigger ${trigger}`),
    ...keys.map(({ on, name, definition }) => `alter table ${on} add constraint ${name} ${definition}`),
    ...forced.map(({ name }) => `alter table ${name} force row level security`),
  ];
};

const createLoading = (client: pg.Client, described: Described): Loading & { end(): Promise<void> } => {
  let current: Awaited<ReturnType<typeof copyIn>> | undefined;
  const end = async (): Promise<void> => {
    const ending = current;
    current = undefined;
    await ending?.end();
  };
  return {
    end,
    async table(name) {
      await end();
      const table = described.tables.find((one) => one.name === name);
      if (!table) throw new Error(`The backup does not describe the table ${name}`);
      const place = `${client.escapeIdentifier(name)} (${columnList(client, table)})`;
      current = await copyIn(client, `copy ${place} from stdin`);
    },
    write: (bytes) => current?.write(bytes) ?? Promise.reject(new Error('rows came before their table')),
  };
};

const loadAll = async (
  client: pg.Client,
  described: Described,
  feed: (loading: Loading) => Promise<void>,
): Promise<void> => {
  await fixFormats(client);
  await client.query('begin');
  await requireSameShape(client, described);
  await makePartitions(client, described.partitions);
  const closeAgain = await openTheWay(client);
  // The rows that migrations put in are among those of the backup.
  const names = described.tables.map(({ name }) => client.escapeIdentifier(name));
  await client.query(`truncate ${names.join(', ')}`);
  const loading = createLoading(client, described);
  await feed(loading);
  await loading.end();
  for (const { name, last } of described.sequences)
    await client.query('select setval($1::regclass, $2::bigint)', [client.escapeIdentifier(name), last]);
  for (const statement of closeAgain) await client.query(statement);
  await client.query('commit');
};

/**
 * Brings an empty database to the backup's schema, loads its rows in one transaction, and goes on to the newest schema.
 * @param feed gives the rows. @throws Error that says what to do; nothing but an empty schema is left then.
 */
export const loadDatabase = async (
  urls: DatabaseUrls,
  described: Described,
  feed: (loading: Loading) => Promise<void>,
): Promise<void> => {
  const client = new pg.Client({ connectionString: urls.owner, application_name: 'taskloom-restore' });
  await client.connect();
  try {
    await requireEmpty(client, described.migrations);
    await migrate(urls, described.migrations.at(-1));
    await loadAll(client, described, feed);
    await client.query('analyze');
  } finally {
    await client.end();
  }
  await migrate(urls);
};
