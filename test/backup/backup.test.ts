import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { placeKey } from '../../scripts/backup/place.ts';
import { verifyBackup } from '../../scripts/backup/read.ts';
import { readTar, skip } from '../../scripts/backup/tar.ts';
import { writeBackup } from '../../scripts/backup/write.ts';
import { openSnapshot } from '../../store/backup/snapshot.ts';
import { migrate } from '../../store/setup/migrate.ts';
import { contentsOf, envOf, LONG_NAME, rows, run, SECRET, startTrial, type Trial } from './trial.ts';

let trial: Trial;
beforeAll(async () => {
  trial = await startTrial();
});
afterAll(() => trial?.close());

/** What may be done to which table, and by which policy: as PostgreSQL itself lists it. */
const RULES = `
  select c.relname::text, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text,
         (select array_agg(p.polname || pg_get_expr(p.polqual, p.polrelid) order by p.polname) from pg_policy p where p.polrelid = c.oid) as policies,
         (select array_agg(conname || pg_get_constraintdef(k.oid) order by conname) from pg_constraint k where k.conrelid = c.oid) as constraints
    from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'S') order by 1`;

describe('a restored database', () => {
  let restored: string;
  beforeAll(async () => {
    restored = await trial.newDatabase();
    await trial.restore(trial.archive, restored);
  });

  test('has every row, every day of the event log and every number as it was, and no deltas', async () => {
    const before = await contentsOf(trial.original);
    expect(await contentsOf(restored)).toEqual(before);
    expect(before['events']).toHaveLength(20);
    expect(before['deltas']).toBeUndefined();
    expect(await rows(restored, 'select 1 from deltas')).toEqual([]);
  });

  test('has the same rules: row security, privileges, policies, foreign keys', async () => {
    expect(await rows(restored, RULES)).toEqual(await rows(trial.original, RULES));
  });

  test('gives out new numbers, never one that was used', async () => {
    await run(
      trial.asSuperuser(restored),
      `insert into events (stream, seq, type, payload, workspace_id) select 's', 21, 't', '{}', id from workspaces`,
    );
    expect(await rows(restored, 'select max(id)::int as id, count(*)::int as n from events')).toEqual([
      { id: 21, n: 21 },
    ]);
  });

  test('brings the files along, below any folder and of any name', async () => {
    for (const path of [join(LONG_NAME, 'deep'), 'empty'])
      expect(readFileSync(join(trial.folder, 'new', path))).toEqual(
        readFileSync(join(trial.folder, 'old', 'files', path)),
      );
  });
});

describe('an archive', () => {
  test('is readable by its owner alone, and ends with its key and its manifest', async () => {
    expect(statSync(trial.archive).mode & 0o777).toBe(0o600);
    const names: string[] = [];
    for await (const { name, content } of readTar(Readable.from([gunzipSync(readFileSync(trial.archive))]))) {
      names.push(name);
      await skip(content);
    }
    expect(names.filter((name) => name.startsWith('tables/content_revisions/')).length).toBeGreaterThan(1);
    expect(names.slice(-2)).toEqual(['secret.key', 'manifest.json']);
  });

  test('is never written over another file, and leaves nothing when it fails', async () => {
    const file = join(trial.folder, 'taken.tar.gz');
    writeFileSync(file, 'mine');
    await expect(trial.backUp(trial.original, file)).rejects.toThrow('EEXIST');
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(existsSync(`${file}.unfinished-${process.pid}`)).toBe(false);
  });

  test('holds no key when it was left out, and says what to give', async () => {
    const file = join(trial.folder, 'without.tar.gz');
    await trial.backUp(trial.original, file, false);
    const { manifest, secret } = await verifyBackup(file);
    expect(secret).toBeNull();
    expect(gunzipSync(readFileSync(file)).includes(SECRET)).toBe(false);
    const env = envOf({ dataDir: join(trial.folder, 'keyless') });
    expect(() => placeKey(env, manifest, secret, () => {})).toThrow('set TASKLOOM_SECRET_KEY');
    const wrong = { ...env, secretKey: 'another key, which is long enough as well' };
    expect(() => placeKey(wrong, manifest, secret, () => {})).toThrow('is not the master key of this backup');
    placeKey({ ...env, secretKey: SECRET }, manifest, secret, () => {});
    expect(existsSync(join(trial.folder, 'keyless'))).toBe(false);
  });

  test('puts its key into a new data directory, for its owner alone', async () => {
    const { manifest, secret } = await verifyBackup(trial.archive);
    const dataDir = join(trial.folder, 'keyed');
    placeKey(envOf({ dataDir }), manifest, secret, () => mkdirSync(dataDir));
    expect(readFileSync(join(dataDir, 'secret.key'), 'utf8')).toBe(SECRET);
    expect(statSync(join(dataDir, 'secret.key')).mode & 0o777).toBe(0o600);
  });
});

test('an older backup is brought to the newest schema', async () => {
  const old = await trial.newDatabase();
  await migrate(trial.urlsOf(old), '0002-spine');
  const file = join(trial.folder, 'old.tar.gz');
  const { tables } = await trial.backUp(old, file);
  expect(tables.some(({ name }) => name === 'tasks')).toBe(false);
  const target = await trial.newDatabase();
  await trial.restore(file, target);
  expect(await rows(target, 'select count(*)::int as n from tasks')).toEqual([{ n: 0 }]);
  expect(await rows(target, 'select id from workspaces')).toEqual(
    await rows(old, 'select id from workspaces'),
  );
});

test('an older database keeps its totals of approvals by kind', async () => {
  const old = await trial.newDatabase();
  await migrate(trial.urlsOf(old), '0010-pipeline');
  await run(
    trial.asSuperuser(old),
    `set session_replication_role = replica`,
    `insert into approvals (id, workspace_id, kind, run_id, attempt, step_path, subject_type, subject_id, revision, status, shown, policy)
       select uuidv7(), w.id, kind, uuidv7(), 1, 's', 'content', uuidv7(), 1, 'approved', '{}', '{}'
         from workspaces w, unnest(array['content', 'content', 'budget']) kind`,
    `insert into counters select id, 'approval', 'approved', 7, 3 from workspaces`,
  );
  await migrate(trial.urlsOf(old));
  expect(
    await rows(
      trial.asSuperuser(old),
      `select kind, status, n::int from counters where kind like 'approval%' order by 1`,
    ),
  ).toEqual([
    { kind: 'approval/budget', status: 'approved', n: 1 },
    { kind: 'approval/content', status: 'approved', n: 2 },
  ]);
});

test('a role that does not see every row makes no backup', async () => {
  await run(
    trial.original,
    `create role blind login password 'blind'`,
    'grant select on all tables in schema public to blind',
  );
  await expect(openSnapshot(trial.original.replace('plain_owner:owner', 'blind:blind'))).rejects.toThrow(
    'Row security hides rows of',
  );
});

test('what is written during a backup is not in it', async () => {
  const snapshot = await openSnapshot(trial.original);
  await run(trial.originalAsSuperuser, `update users set display_name = 'late'`);
  const file = join(trial.folder, 'steady.tar.gz');
  const options = { snapshot, dataDir: trial.folder, masterKey: Buffer.from(SECRET), withSecret: true, file };
  await writeBackup({ ...options, progress: () => {} });
  await snapshot.close();
  const target = await trial.newDatabase();
  await trial.restore(file, target);
  expect(await rows(target, `select 1 from users where display_name = 'late'`)).toEqual([]);
});
