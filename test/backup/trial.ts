import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { toConfig } from '../../platform/config.ts';
import type { Env } from '../../platform/env.ts';
import type { Manifest } from '../../scripts/backup/manifest.ts';
import { unpackBackup, verifyBackup } from '../../scripts/backup/read.ts';
import { writeBackup } from '../../scripts/backup/write.ts';
import { startPostgres, type RunningPostgres } from '../../scripts/services/postgres.ts';
import { loadDatabase } from '../../store/backup/load.ts';
import { openSnapshot } from '../../store/backup/snapshot.ts';
import { migrate } from '../../store/setup/migrate.ts';

export const SECRET = 'a secret key for backups only, long enough';
export const LONG_NAME = `${'a folder with a long name/'.repeat(6)}.hidden ü`;

const onDatabase = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

export const run = (url: string, ...statements: string[]) =>
  onDatabase(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });

export const rows = (url: string, statement: string) =>
  onDatabase(url, async (client) => (await client.query(statement)).rows);

/** What is asked for only where nothing else is given. */
export const envOf = (given: Partial<Env>): Env => given as Env;

/** A PostgreSQL of its own, a database in it that is hard to move, and a backup of that. */
export interface Trial {
  readonly folder: string;
  /** The database, as its owner and as the superuser. */
  readonly original: string;
  readonly originalAsSuperuser: string;
  readonly archive: string;
  asSuperuser(url: string): string;
  /** An empty database whose owner is no superuser, as those of a hoster are: forced row security holds for it too. */
  newDatabase(): Promise<string>;
  urlsOf(databaseUrl: string): { owner: string; app: string; system: string };
  backUp(databaseUrl: string, file: string, withSecret?: boolean): Promise<Manifest>;
  restore(file: string, databaseUrl: string): Promise<void>;
  close(): Promise<void>;
}

export const TASK = '01a1ff33-8cb2-7761-9e90-b866210944d4';
const ITEM = '01a1ff33-8cb2-7761-9e90-b866210944d5';

/** Rows that are hard to move: two tables that point at each other, odd texts, days of the event log, numbers given out. */
const FILL = [
  `select keep_event_partitions(30)`,
  `insert into users (email, username, display_name, password_hash) select 'p' || n || '@example.com', 'p' || n, E'tab\\t, newline\\n, \\\\N, back\\\\slash, ü 𝛑', 'h' from generate_series(1, 500) n`,
  `insert into tasks (id, workspace_id, task_name, topic, metadata)
     select '${TASK}', id, 'n', '', '{"a": [1, null, "\\u00fc"], "b": 1e30}' from workspaces`,
  `insert into content_items (id, workspace_id, task_id, tags, revision) select '${ITEM}', id, '${TASK}', array['a"b', 'c,d', ''], 1 from workspaces`,
  `update tasks set content_id = '${ITEM}'`,
  // More than one part of the archive.
  `insert into content_revisions (workspace_id, item_id, number, title, body, author_kind)
     select id, '${ITEM}', n, 't', repeat(md5(n::text), 3000), 'person' from workspaces, generate_series(1, 60) n`,
  `insert into events (stream, seq, pos, type, payload, workspace_id, at)
     select 's', n, n, 't', '{}', id, now() + n * interval '1 day' - interval '3 days' from workspaces, generate_series(1, 20) n`,
  `update event_log set last_pos = 20, horizon_pos = 3`,
  `insert into deltas (workspace_id, run_id, step, attempt, part, text) select id, id, 's', 1, 1, 'x' from workspaces`,
  `insert into idempotency_keys (principal_id, workspace_id, method, path, key, request_hash, answer)
     select id, id, 'POST', '/', 'k', 'h', '{"z": 1,   "a": 2}' from workspaces`,
];

/** Every row of every table that a backup holds, and the state of every sequence, in one order. */
export const contentsOf = (url: string) =>
  onDatabase(url, async (client) => {
    const snapshot = await openSnapshot(url);
    const found: Record<string, unknown> = { sequences: snapshot.sequences, parts: snapshot.partitions };
    for (const { name } of snapshot.tables)
      found[name] = (await client.query(`select t::text as row from ${name} t order by 1`)).rows;
    await snapshot.close();
    return found;
  });

const newDatabase = async (server: RunningPostgres): Promise<string> => {
  const name = `d${randomBytes(4).toString('hex')}`;
  await run(server.url, `create database ${name} owner plain_owner`);
  const url = new URL(server.url);
  [url.username, url.password, url.pathname] = ['plain_owner', 'owner', `/${name}`];
  return url.href;
};

const backUp = async (dataDir: string, databaseUrl: string, file: string, withSecret = true) => {
  const snapshot = await openSnapshot(databaseUrl);
  try {
    const masterKey = Buffer.from(SECRET);
    return await writeBackup({ snapshot, dataDir, masterKey, withSecret, file, progress: () => {} });
  } finally {
    await snapshot.close();
  }
};

/** Starts a server, fills a database and backs it up. */
export const startTrial = async (): Promise<Trial> => {
  const folder = mkdtempSync(join(tmpdir(), 'taskloom-backup-'));
  // PostgreSQL may run as another user, who has to pass.
  chmodSync(folder, 0o711);
  const server = await startPostgres({ dataDir: folder, settings: { fsync: 'off' }, log: () => {} });
  const urlsOf = (databaseUrl: string) => {
    const { database } = toConfig(envOf({ databaseUrl, secretKey: SECRET, dataDir: folder }));
    return { owner: databaseUrl, app: database.app ?? '', system: database.system ?? '' };
  };
  const asSuperuser = (url: string): string => {
    const changed = new URL(server.url);
    changed.pathname = new URL(url).pathname;
    return changed.href;
  };
  await run(server.url, `create role plain_owner login createrole password 'owner'`);
  const original = await newDatabase(server);
  await migrate(urlsOf(original));
  await run(asSuperuser(original), ...FILL);
  mkdirSync(join(folder, 'old', 'files', LONG_NAME), { recursive: true });
  writeFileSync(join(folder, 'old', 'files', LONG_NAME, 'deep'), randomBytes(300_000));
  writeFileSync(join(folder, 'old', 'files', 'empty'), '');
  const archive = join(folder, 'backup.tar.gz');
  await backUp(join(folder, 'old'), original, archive);
  return {
    folder,
    original,
    originalAsSuperuser: asSuperuser(original),
    archive,
    asSuperuser,
    newDatabase: () => newDatabase(server),
    urlsOf,
    backUp: (url, file, withSecret) => backUp(join(folder, 'old'), url, file, withSecret),
    restore: async (file, url) => {
      const { manifest } = await verifyBackup(file);
      await loadDatabase(urlsOf(url), manifest, (loading) =>
        unpackBackup(file, join(folder, 'new'), loading, () => {}),
      );
    },
    close: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
