import { afterAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { toConfig } from '../../platform/config.ts';
import type { Env } from '../../platform/env.ts';
import { verifyBackup } from '../../scripts/backup/read.ts';
import { startPostgres } from '../../scripts/services/postgres.ts';
import { until } from '../harness/until.ts';
import { createClient, type ChaosClient } from './client.ts';
import { gatherEvidence } from './evidence.ts';
import { parametersOf } from './load.ts';
import { ADMIN, makeFolder, SECRET, startWorld, type World } from './world.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ELSEWHERE = '01a1ff33-8cb2-7761-9e90-b866210944d4';

const folder = makeFolder();
const archive = join(folder, 'backup.tar.gz');
const newFolder = makeFolder();
const worlds: World[] = [];
const clients: ChaosClient[] = [];
afterAll(async () => {
  for (const client of clients) client.stop();
  for (const world of worlds) await world.close(false);
  for (const path of [folder, newFolder]) rmSync(path, { recursive: true, force: true });
});

const openWorld = async (dataDir?: string): Promise<World> => {
  const world = await startWorld((line) => console.warn(line), dataDir);
  worlds.push(world);
  return world;
};

const openClient = (world: World): ChaosClient => {
  const client = createClient(world.apiUrl);
  clients.push(client);
  return client;
};

/** `npm run backup` and `npm run restore` as processes. @returns what they printed. */
const runCommand = async (name: string, env: Record<string, string>): Promise<string> => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'scripts', `${name}.ts`), archive],
    { cwd: ROOT, env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env } },
  );
  return stdout + stderr;
};

interface Page {
  readonly items: readonly { readonly id: string; readonly revision: number }[];
  readonly by_status: Readonly<Record<string, number>>;
}

const start = (client: ChaosClient, name: string, count: number, parameters: object = {}) =>
  Promise.all(
    Array.from({ length: count }, (_, n) => {
      const topic = `${name}, number ${n}`;
      const all = { ...parametersOf(n), ...parameters };
      return client.post('/api/tasks', { task_name: topic, topic, auto_start: true, parameters: all });
    }),
  );

const approveAll = async (client: ChaosClient): Promise<void> => {
  const { items } = await client.get<Page>('/api/v1/approvals?status=open&limit=100');
  await Promise.all(
    items.map(({ id, revision }) =>
      client.post(`/api/v1/approvals/${id}/decide`, { decision: 'approve', revision }),
    ),
  );
};

const untilRuns = (client: ChaosClient, what: string, holds: (n: (status: string) => number) => boolean) =>
  until(
    async () => {
      const { by_status: found } = await client.get<Page>('/api/v1/runs?limit=1');
      return holds((status) => found[status] ?? 0);
    },
    what,
    60_000,
  );

/** Runs at every stage at once: completed, approved and waiting for their time, waiting for an approval, being written. */
const makeLoad = async (client: ChaosClient): Promise<void> => {
  const later = { publish_at: new Date(Date.now() + 40_000).toISOString() };
  await Promise.all([start(client, 'finished', 3), start(client, 'scheduled', 4, later)]);
  await untilRuns(client, 'seven drafts', (n) => n('waiting') === 7);
  await approveAll(client);
  await untilRuns(client, 'three posts', (n) => n('completed') === 3);
  await start(client, 'waiting', 8);
  await untilRuns(client, 'eight more drafts', (n) => n('waiting') === 12);
  await start(client, 'in the making', 12);
  await untilRuns(client, 'some of them at work', (n) => n('running') >= 6);
};

const query = async <Row extends object>(
  url: string,
  text: string,
  settings: Record<string, string> = {},
): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const [name, value] of Object.entries(settings))
      await client.query('select set_config($1, $2, false)', [name, value]);
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
};

interface RunFacts {
  readonly id: string;
  readonly status: string;
  readonly approved: boolean;
  readonly posts: number;
  /** Run, content and post as text. */
  readonly whole: string;
}

const readRuns = (url: string) =>
  query<RunFacts>(
    url,
    `select r.id, r.status, concat(r, c, p) as whole, (p.id is not null)::int as posts,
            exists (select 1 from approvals a where a.run_id = r.id and a.status = 'approved') as approved
       from runs r left join content_items c on c.task_id = r.subject_id left join posts p on p.content_id = c.id
      order by r.id`,
  );

/** What lies in the restored database, before any process of Taskloom has seen it. */
const lookAtRest = async (): Promise<RunFacts[]> => {
  const server = await startPostgres({ dataDir: newFolder, log: () => {} });
  try {
    const { manifest } = await verifyBackup(archive);
    for (const { name, rows } of manifest.tables)
      expect([name, await query(server.url, `select count(*)::int as n from ${name}`)]).toEqual([
        name,
        [{ n: rows }],
      ]);
    const runs = await readRuns(server.url);
    const [own] = await query<{ id: string }>(server.url, `select id from workspaces where slug = 'default'`);
    const { database } = toConfig({ databaseUrl: server.url, secretKey: SECRET, dataDir: newFolder } as Env);
    const seenFrom = async (workspace: string) =>
      (await query(database.app ?? '', 'select id from runs', { 'app.workspace': workspace })).length;
    expect([await seenFrom(''), await seenFrom(ELSEWHERE), await seenFrom(own?.id ?? '')]).toEqual([
      0,
      0,
      runs.length,
    ]);
    return runs;
  } finally {
    await server.stop();
  }
};

test('a backup taken under load, restored elsewhere, finishes every run that was open', async () => {
  const world = await openWorld();
  mkdirSync(join(world.folder, 'files'));
  writeFileSync(join(world.folder, 'files', 'picture'), 'of a houseplant');
  const client = openClient(world);
  const { access_token: token } = await client.post<{ access_token: string }>('/auth/login', ADMIN);
  await makeLoad(client);
  const settings = { TASKLOOM_DATA_DIR: world.folder, TASKLOOM_SECRET_KEY: SECRET };
  const said = await runCommand('backup', { ...settings, DATABASE_URL: world.databaseUrl() });
  expect(said).toContain('it holds the master key');
  const before = new Map((await readRuns(world.databaseUrl())).map((run) => [run.id, run]));
  await world.close(false);

  expect(await runCommand('restore', { TASKLOOM_DATA_DIR: newFolder })).toContain('Restored: ');
  expect(readFileSync(join(newFolder, 'secret.key'), 'utf8')).toBe(SECRET);
  expect(statSync(join(newFolder, 'secret.key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(newFolder, 'files', 'picture'), 'utf8')).toBe('of a houseplant');
  const restored = await lookAtRest();
  const open = restored.filter(({ status }) => status !== 'completed');
  const done = restored.filter(({ status }) => status === 'completed');
  expect(open.length).toBeGreaterThanOrEqual(20);
  expect(open.map(({ status }) => status)).toEqual(expect.arrayContaining(['waiting', 'running']));
  expect(open.filter(({ approved }) => approved)).toHaveLength(4);
  expect(done).toHaveLength(3);
  for (const run of done) expect(run).toEqual(before.get(run.id));

  const next = await openWorld(newFolder);
  const bearer = { authorization: `Bearer ${token}` };
  expect((await fetch(`${next.apiUrl}/api/v1/runs`, { headers: bearer })).status).toBe(200);
  const again = openClient(next);
  await until(
    async () => {
      await approveAll(again);
      const { by_status: found } = await again.get<Page>('/api/v1/runs?limit=1');
      return found['completed'] === restored.length;
    },
    'the end of every run',
    90_000,
  );
  const after = new Map((await readRuns(next.databaseUrl())).map((run) => [run.id, run]));
  for (const run of done) expect(after.get(run.id)).toEqual(run);
  const { runs, outbox, books } = await gatherEvidence(next.databaseUrl(), next.temporalAddress);
  expect(runs.filter(({ status, posts }) => status !== 'completed' || posts !== 1)).toEqual([]);
  expect(outbox).toEqual([]);
  // A run that was restarted says for a second time that it began and that it asks.
  expect(books.filter((line) => !/was told (run\.started|approval\.)/.test(line))).toEqual([]);
  expect(again.oddities).toEqual([]);
}, 180_000);
