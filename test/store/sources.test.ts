import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { workerPrincipal, type Principal } from '../../domain/identity/principal.ts';
import type { Source } from '../../domain/research/source.ts';
import { listSources, storeSources } from '../../store/research/sources.repository.ts';
import { startRun } from '../../store/runs/start.ts';
import { openStore, type Store } from '../../store/store.ts';
import { sql } from '../../store/sql.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let store: Store;

const principalOf = async (workspace: string): Promise<Principal> => {
  const found = await store.beforeWorkspace<{ id: string }>(sql`select workspace_id_of(${workspace}) as id`);
  return workerPrincipal(found?.id ?? '');
};

const newRun = async (principal: Principal): Promise<string> => {
  const subject = { subjectType: 'content', subjectId: uuidv7() } as const;
  const run = await store.write(principal, (tx) =>
    startRun(tx, { kind: 'analysis', summary: 'x', input: {}, ...subject }),
  );
  return run.id;
};

const source = (n: number, changes: Partial<Source> = {}): Source => ({
  n,
  url: `https://example.com/${n}`,
  title: `Title "${n}" & more — ünïcode 😀`,
  publisher: null,
  publishedAt: null,
  passages: ['One passage, with a \\ and a “quote”.', 'Another.'],
  provider: 'wikipedia',
  fetchedAt: '2026-11-21T10:00:00.123Z',
  ...changes,
});

beforeAll(async () => {
  server = await startTestServer();
  await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
  store = await openStore(server.config.database.app ?? '', { poolSize: 4 });
});
afterAll(async () => {
  await store?.close();
  await server?.close();
});

test('sources of a run come back as they were found, by their numbers', async () => {
  const principal = await principalOf('default');
  const runId = await newRun(principal);
  const found = [
    source(1),
    source(2, { publisher: 'A paper', publishedAt: '2026-01-02T03:04:05.000Z', passages: [] }),
  ];
  expect(await store.write(principal, (tx) => storeSources(tx, runId, found.toReversed()))).toBe(2);
  expect(await store.read(principal, (db) => listSources(db, runId))).toEqual(found);
  expect(await store.write(principal, (tx) => listSources(tx, runId))).toEqual(found);
});

test('storing again changes nothing, whatever was found then', async () => {
  const principal = await principalOf('default');
  const runId = await newRun(principal);
  await store.write(principal, (tx) => storeSources(tx, runId, [source(1)]));
  const others = [source(1, { title: 'Other' }), source(2)];
  expect(await store.write(principal, (tx) => storeSources(tx, runId, others))).toBe(0);
  expect(await store.read(principal, (db) => listSources(db, runId))).toEqual([source(1)]);
  expect(await store.write(principal, (tx) => storeSources(tx, runId, []))).toBe(0);
});

test('another workspace neither sees them nor adds to a run that is not its own', async () => {
  const [ours, theirs] = [await principalOf('default'), await principalOf('elsewhere')];
  const runId = await newRun(ours);
  expect(await store.write(theirs, (tx) => storeSources(tx, runId, [source(1)]))).toBe(0);
  await store.write(ours, (tx) => storeSources(tx, runId, [source(1)]));
  expect(await store.read(theirs, (db) => listSources(db, runId))).toEqual([]);
  expect(await store.read(ours, (db) => listSources(db, runId))).toHaveLength(1);
});

test('a run without sources has none', async () => {
  const principal = await principalOf('default');
  const runId = await newRun(principal);
  expect(await store.write(principal, (tx) => storeSources(tx, runId, []))).toBe(0);
  expect(await store.read(principal, (db) => listSources(db, runId))).toEqual([]);
});
