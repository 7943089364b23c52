import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { startPostgres, type RunningPostgres } from '../../scripts/services/postgres.ts';
import { openStore, sql, type Store } from '../../store/store.ts';

const POOL_SIZE = 2;
const principal = workerPrincipal('00000000-0000-7000-8000-000000000001');
const folder = mkdtempSync(join(tmpdir(), 'taskloom-pool-'));
let postgres: RunningPostgres;
let store: Store;

beforeAll(async () => {
  chmodSync(folder, 0o711);
  postgres = await startPostgres({ dataDir: folder, log: () => {} });
  store = await openStore(postgres.url, { poolSize: POOL_SIZE });
}, 60_000);

afterAll(async () => {
  // First the server: closing the pool would wait for connections that were never given back.
  await postgres?.stop();
  void store?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The chaos run's find: Kysely keeps a connection that breaks inside a transaction, and after a few the pool is empty. */
test('a connection that dies inside a transaction gives its place in the pool back', async () => {
  for (let n = 0; n < 3 * POOL_SIZE; n++) {
    const broken = store.write(principal, (tx) =>
      tx.many(sql`select pg_terminate_backend(pg_backend_pid())`),
    );
    await expect(broken).rejects.toThrow();
  }
  const answer = store.write(principal, (tx) => tx.one<{ n: number }>(sql`select 1 as n`));
  await expect(answer).resolves.toEqual({ n: 1 });
}, 60_000);
