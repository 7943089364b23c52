import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import pg from 'pg';
import { toConfig } from '../../platform/config.ts';
import { placeKey } from '../../scripts/backup/place.ts';
import { unpackBackup, verifyBackup } from '../../scripts/backup/read.ts';
import { readTar } from '../../scripts/backup/tar.ts';
import { writeBackup } from '../../scripts/backup/write.ts';
import { startPostgres, type RunningPostgres } from '../../scripts/services/postgres.ts';
import { loadDatabase } from '../../store/backup/load.ts';
import { openSnapshot } from '../../store/backup/snapshot.ts';
import { migrate } from '../../store/setup/migrate.ts';
import { Readable } from 'node:stream';

const SECRET = 'a secret key for backups only, long enough';
const LONG_NAME = `${'a folder with a long name/'.repeat(6)}.hidden ü`;

let server: RunningPostgres;
let folder: string;
let original: string;
let archive: string;

const onDatabase = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const run = (url: string, ...statements: string[]) =>
  onDatabase(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });

const rows = (url: string, statement: string) =>
  onDatabase(url, async (client) => (await client.query(statement)).rows);

/** A database whose owner is no superuser, as those of a hoster are: forced row security holds for it too. */
const newDatabase = async (): Promise<string> => {
  const name = `d${randomBytes(4).toString('hex')}`;
  await run(server.url, `create database ${name} owner plain_owner`);
  const url = new URL(server.url);
  [url.username, url.password, url.pathname] = ['plain_owner', 'owner', `/${name}`];
  return url.href;
};

const urlsOf = (databaseUrl: string, secretKey = SECRET) => {
  const { database } = toConfig({ databaseUrl, secretKey, dataDir: folder } as Parameters<
    typeof toConfig
  >[0]);
  return { owner: databaseUrl, app: database.app ?? '', system: database.system ?? '' };
};

const backUp = async (databaseUrl: string, file: string, withSecret = true) => {
  const snapshot = await openSnapshot(databaseUrl);
  try {
    return await writeBackup({
      snapshot,
      dataDir: join(folder, 'old'),
      masterKey: Buffer.from(SECRET),
      withSecret,
      file,
      progress: () => {},
    });
  } finally {
    await snapshot.close();
  }
};

const restore = async (file: string, databaseUrl: string, filesDir = join(folder, 'new')): Promise<void> => {
  const { manifest } = await verifyBackup(file);
  await loadDatabase(urlsOf(databaseUrl), manifest, (loading) =>
    unpackBackup(file, filesDir, loading, () => {}),
  );
};

/** A copy of the archive in which this was done to the unpacked bytes. */
const changed = (change: (tar: Buffer) => Buffer): string => {
  const file = join(folder, `${randomBytes(4).toString('hex')}.tar.gz`);
  writeFileSync(file, gzipSync(change(gunzipSync(readFileSync(archive)))));
  return file;
};

const TASK = '01a1ff33-8cb2-7761-9e90-b866210944d4';
const ITEM = '01a1ff33-8cb2-7761-9e90-b866210944d5';

/** Rows that are hard to move: two tables that point at each other, odd texts, days of the event log, numbers given out. */
const FILL = [
  `select keep_event_partitions(30)`,
  `insert into users (email, display_name, password_hash) select 'p' || n || '@example.com', E'tab\\t, newline\\n, \\\\N, back\\\\slash, ü 𝛑', 'h' from generate_series(1, 500) n`,
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

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'taskloom-backup-'));
  chmodSync(folder, 0o711);
  server = await startPostgres({ dataDir: folder, settings: { fsync: 'off' }, log: () => {} });
  await run(server.url, `create role plain_owner login createrole password 'owner'`);
  original = await newDatabase();
  await migrate(urlsOf(original));
  const asSuperuser = new URL(server.url);
  asSuperuser.pathname = new URL(original).pathname;
  await run(asSuperuser.href, ...FILL);
  mkdirSync(join(folder, 'old', 'files', LONG_NAME), { recursive: true });
  writeFileSync(join(folder, 'old', 'files', LONG_NAME, 'deep'), randomBytes(300_000));
  writeFileSync(join(folder, 'old', 'files', 'empty'), '');
  archive = join(folder, 'backup.tar.gz');
  await backUp(original, archive);
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Every row of every table that a backup holds, and the state of every sequence, in one order. */
const contentsOf = (url: string) =>
  onDatabase(url, async (client) => {
    const snapshot = await openSnapshot(url);
    const found: Record<string, unknown> = { sequences: snapshot.sequences, parts: snapshot.partitions };
    for (const { name } of snapshot.tables)
      found[name] = (await client.query(`select t::text as row from ${name} t order by 1`)).rows;
    await snapshot.close();
    return found;
  });

/** What may be done to which table, and by which policy: as PostgreSQL itself lists it. */
const RULES = `
  select c.relname::text, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text,
         (select array_agg(p.polname || pg_get_expr(p.polqual, p.polrelid) order by p.polname) from pg_policy p where p.polrelid = c.oid) as policies,
         (select array_agg(conname || pg_get_constraintdef(k.oid) order by conname) from pg_constraint k where k.conrelid = c.oid) as constraints
    from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'S') order by 1`;

describe('a restored database', () => {
  let restored: string;
  beforeAll(async () => {
    restored = await newDatabase();
    await restore(archive, restored);
  });

  test('has every row, every day of the event log and every number as it was, and no deltas', async () => {
    const before = await contentsOf(original);
    expect(await contentsOf(restored)).toEqual(before);
    expect(before['events']).toHaveLength(20);
    expect(before['deltas']).toBeUndefined();
    expect(await rows(restored, 'select 1 from deltas')).toEqual([]);
  });

  test('has the same rules: row security, privileges, policies, foreign keys', async () => {
    expect(await rows(restored, RULES)).toEqual(await rows(original, RULES));
  });

  test('gives out new numbers, never one that was used', async () => {
    await run(
      restored.replace('plain_owner:owner', 'postgres:' + new URL(server.url).password),
      `insert into events (stream, seq, type, payload, workspace_id) select 's', 21, 't', '{}', id from workspaces`,
    );
    expect(await rows(restored, 'select max(id)::int as id, count(*)::int as n from events')).toEqual([
      { id: 21, n: 21 },
    ]);
  });

  test('brings the files along, below any folder and of any name', async () => {
    for (const path of [join(LONG_NAME, 'deep'), 'empty'])
      expect(readFileSync(join(folder, 'new', path))).toEqual(
        readFileSync(join(folder, 'old', 'files', path)),
      );
  });
});

describe('an archive', () => {
  test('is readable by its owner alone, and ends with its key and its manifest', async () => {
    expect(statSync(archive).mode & 0o777).toBe(0o600);
    const names: string[] = [];
    for await (const { name, content } of readTar(Readable.from([gunzipSync(readFileSync(archive))]))) {
      names.push(name);
      for await (const _piece of content);
    }
    expect(names.filter((name) => name.startsWith('tables/content_revisions/')).length).toBeGreaterThan(1);
    expect(names.slice(-2)).toEqual(['secret.key', 'manifest.json']);
  });

  test('is never written over another file, and leaves nothing when it fails', async () => {
    const file = join(folder, 'taken.tar.gz');
    writeFileSync(file, 'mine');
    await expect(backUp(original, file)).rejects.toThrow('EEXIST');
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(existsSync(`${file}.unfinished-${process.pid}`)).toBe(false);
  });

  test('holds no key when it was left out, and says what to give', async () => {
    const file = join(folder, 'without.tar.gz');
    await backUp(original, file, false);
    const { manifest, secret } = await verifyBackup(file);
    expect(secret).toBeNull();
    expect(gunzipSync(readFileSync(file)).includes(SECRET)).toBe(false);
    const env = { dataDir: join(folder, 'keyless') } as Parameters<typeof placeKey>[0];
    expect(() => placeKey(env, manifest, secret, () => {})).toThrow('set TASKLOOM_SECRET_KEY');
    const wrong = { ...env, secretKey: 'another key, which is long enough as well' };
    expect(() => placeKey(wrong, manifest, secret, () => {})).toThrow('is not the master key of this backup');
    placeKey({ ...env, secretKey: SECRET }, manifest, secret, () => {});
    expect(existsSync(join(folder, 'keyless'))).toBe(false);
  });

  test('puts its key into a new data directory, for its owner alone', async () => {
    const { manifest, secret } = await verifyBackup(archive);
    const dataDir = join(folder, 'keyed');
    placeKey({ dataDir } as Parameters<typeof placeKey>[0], manifest, secret, () => mkdirSync(dataDir));
    expect(readFileSync(join(dataDir, 'secret.key'), 'utf8')).toBe(SECRET);
    expect(statSync(join(dataDir, 'secret.key')).mode & 0o777).toBe(0o600);
  });
});

describe('a restore refuses', () => {
  const flip = (at: number) => (tar: Buffer) => tar.fill((tar[at] ?? 0) ^ 1, at, at + 1);
  /** Offset of the content of the first member with this name. */
  const contentAt = (name: string): number => gunzipSync(readFileSync(archive)).indexOf(name) + 512;

  test.each([
    ['a changed row', () => changed(flip(contentAt('tables/users/') + 40)), 'the rows of users'],
    ['a changed file', () => changed(flip(contentAt('PaxHeader') + 2048)), 'is missing or not the one'],
    ['a changed header', () => changed(flip(contentAt('tables/users/') - 500)), 'a header of the archive'],
    ['another key', () => changed(flip(contentAt('secret.key') + 1)), 'its master key'],
    ['a missing end', () => changed((tar) => tar.subarray(0, tar.length - 4096)), 'ends too early'],
    ['a foreign member', () => changed(foreign), 'which no backup does'],
  ])('%s', async (_what, make, why) => {
    const file = make();
    await expect(verifyBackup(file)).rejects.toThrow('is damaged');
    await expect(verifyBackup(file)).rejects.toThrow(why);
  });

  const foreign = (tar: Buffer): Buffer => {
    const at = tar.indexOf('secret.key');
    const header = Buffer.from(tar.subarray(at, at + 512));
    header.write('../../etc\0', 0);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return Buffer.concat([tar.subarray(0, at), header, tar.subarray(at + 512)]);
  };

  test('an archive that was cut off, or is none', async () => {
    const cut = join(folder, 'cut.tar.gz');
    const bytes = readFileSync(archive);
    writeFileSync(cut, bytes.subarray(0, bytes.length - 5));
    await expect(verifyBackup(cut)).rejects.toThrow('is damaged');
    copyFileSync(new URL(import.meta.url).pathname, cut);
    await expect(verifyBackup(cut)).rejects.toThrow('is damaged');
    await expect(verifyBackup(join(folder, 'none'))).rejects.toThrow('There is no ');
  });

  const withManifest = (change: (manifest: Record<string, unknown>) => void) =>
    changed((tar) => {
      const at = tar.indexOf('manifest.json');
      const bytes = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
      const manifest = JSON.parse(tar.toString('utf8', at + 512, at + 512 + bytes));
      change(manifest);
      const json = JSON.stringify(manifest);
      return Buffer.concat([
        tar.subarray(0, at + 512),
        Buffer.from(json.padEnd(bytes)),
        tar.subarray(at + 512 + bytes),
      ]);
    });

  test('a newer schema and another format, and says which version to use', async () => {
    const newer = withManifest((manifest) => (manifest['migrations'] as string[]).push('9999-future'));
    await expect(verifyBackup(newer)).rejects.toThrow('restore it with that version or a newer one');
    const other = withManifest((manifest) => (manifest['format'] = 2));
    await expect(verifyBackup(other)).rejects.toThrow('has the format 2');
  });

  test('a database that is in use, and changes nothing in it', async () => {
    const before = await contentsOf(original);
    await expect(restore(archive, original)).rejects.toThrow('not empty, and nothing in it was changed');
    expect(await contentsOf(original)).toEqual(before);
    const foreignDatabase = await newDatabase();
    await run(foreignDatabase, 'create table somebodys (id int)');
    await expect(restore(archive, foreignDatabase)).rejects.toThrow("tables that are not Taskloom's");
  });

  test('rows that break a rule, leaves none of them, and can be done again', async () => {
    const target = await newDatabase();
    const { manifest } = await verifyBackup(archive);
    const broken = loadDatabase(urlsOf(target), manifest, async (loading) => {
      await loading.table('memberships');
      await loading.write(Buffer.from(`${TASK}\t${TASK}\t${TASK}\t2026-01-01\n`));
    });
    await expect(broken).rejects.toThrow('violates foreign key constraint');
    const malformed = loadDatabase(urlsOf(target), manifest, async (loading) => {
      await loading.table('users');
      await loading.write(Buffer.from('not a row\n'));
    });
    await expect(malformed).rejects.toThrow('invalid input syntax');
    await restore(archive, target);
    expect(await rows(target, 'select count(*)::int as n from users')).toEqual([{ n: 500 }]);
  });
});

test('an older backup is brought to the newest schema', async () => {
  const old = await newDatabase();
  await migrate(urlsOf(old), '0002-spine');
  const file = join(folder, 'old.tar.gz');
  const { tables } = await backUp(old, file);
  expect(tables.some(({ name }) => name === 'tasks')).toBe(false);
  const target = await newDatabase();
  await restore(file, target);
  expect(await rows(target, 'select count(*)::int as n from tasks')).toEqual([{ n: 0 }]);
  expect(await rows(target, 'select id from workspaces')).toEqual(
    await rows(old, 'select id from workspaces'),
  );
});

test('a role that does not see every row makes no backup', async () => {
  await run(
    original,
    `create role blind login password 'blind'`,
    'grant select on all tables in schema public to blind',
  );
  await expect(openSnapshot(original.replace('plain_owner:owner', 'blind:blind'))).rejects.toThrow(
    'Row security hides rows of',
  );
});

test('what is written during a backup is not in it', async () => {
  const snapshot = await openSnapshot(original);
  await run(
    original.replace('plain_owner:owner', 'postgres:' + new URL(server.url).password),
    `update users set display_name = 'late'`,
  );
  const file = join(folder, 'steady.tar.gz');
  const options = { snapshot, dataDir: folder, masterKey: Buffer.from(SECRET), withSecret: true, file };
  await writeBackup({ ...options, progress: () => {} });
  await snapshot.close();
  const target = await newDatabase();
  await restore(file, target);
  expect(await rows(target, `select 1 from users where display_name = 'late'`)).toEqual([]);
});
