import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { workerPrincipal, type Principal } from '../../domain/identity/principal.ts';
import { readFeed } from '../../store/live/events.ts';
import { sweep } from '../../store/live/retention.ts';
import { stampEvents } from '../../store/live/sequencer.ts';
import { createOutbox } from '../../store/outbox/outbox.ts';
import { openStore, type Store } from '../../store/store.ts';
import { sql } from '../../store/sql.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { entities } from '../../store/entities.ts';

let server: TestServer;
let store: Store;
let principal: Principal;

beforeAll(async () => {
  server = await startTestServer();
  store = await openStore(server.config.database.app ?? '', { poolSize: 8 });
  const found = await store.beforeWorkspace<{ id: string }>(sql`select workspace_id_of('default') as id`);
  principal = workerPrincipal(found?.id ?? '');
});
afterAll(async () => {
  await store?.close();
  await server?.close();
});

const streamOf = (name: string): string => `run:${name}`;

describe('the write door', () => {
  test('numbers events without gaps, however many write at once and whoever fails', async () => {
    const stream = streamOf('gapless');
    const write = (n: number) =>
      store.write(principal, async (tx) => {
        tx.emit(stream, 'test.happened', { n });
        tx.emit(stream, 'test.happened', { n });
        if (n % 5 === 0) throw new Error('on purpose');
      });
    await Promise.allSettled(Array.from({ length: 40 }, (_, n) => write(n)));
    const rows = await store.read(principal, (db) =>
      db.many<{ seq: number }>(sql`select seq from events where stream = ${stream} order by seq`),
    );
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
  });

  test('writes events of many streams at once without waiting in a circle', async () => {
    const streams = ['x', 'y', 'z'].map(streamOf);
    const write = (n: number) =>
      store.write(principal, async (tx) => {
        for (const stream of n % 2 === 0 ? streams : streams.toReversed())
          tx.emit(stream, 'test.happened', { n });
      });
    await Promise.all(Array.from({ length: 30 }, (_, n) => write(n)));
    for (const stream of streams) {
      const rows = await store.read(principal, (db) =>
        db.many(sql`select 1 from events where stream = ${stream}`),
      );
      expect(rows).toHaveLength(30);
    }
  });

  test('leaves nothing behind when it fails', async () => {
    await expect(
      store.write(principal, async (tx) => {
        tx.emit(streamOf('failed'), 'test.happened', {});
        tx.enqueue({ workflowId: 'failed', kind: 'signal', payload: { signal: 'poke' } });
        tx.audit('test', 'test', 'failed', {});
        tx.count('test.failed', 'x', 1);
        throw new Error('on purpose');
      }),
    ).rejects.toThrow('on purpose');
    expect(await server.system.many(sql`select 1 from events where stream = ${streamOf('failed')}`)).toEqual(
      [],
    );
    expect(await server.system.many(sql`select 1 from outbox where workflow_id = 'failed'`)).toEqual([]);
    expect(await server.system.many(sql`select 1 from audit where target_id = 'failed'`)).toEqual([]);
    expect(await server.system.many(sql`select 1 from counters where kind = 'test.failed'`)).toEqual([]);
  });

  test('keeps totals exact under many writers', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        store.write(principal, async (tx) => tx.count('test.total', 'x', n % 2 === 0 ? 2 : -1)),
      ),
    );
    const [row] = await server.system.many<{ n: number }>(
      sql`select sum(n)::bigint as n from counters where kind = 'test.total'`,
    );
    expect(row?.n).toBe(25);
  });
});

describe('the sequencer', () => {
  test('gives every event one position, in an order that no reader has passed', async () => {
    while (await stampEvents(server.system));
    const before = await server.system.many<{ pos: number }>(sql`select last_pos as pos from event_log`);
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        store.write(principal, async (tx) => tx.emit(streamOf(`s${n % 3}`), 'test.happened', { n })),
      ),
    );
    await Promise.all([stampEvents(server.system), stampEvents(server.system), stampEvents(server.system)]);
    while (await stampEvents(server.system));
    const start = before[0]?.pos ?? 0;
    const rows = await store.read(principal, (db) => readFeed(db, start, 100));
    expect(rows.map(({ pos }) => pos)).toEqual(Array.from({ length: 20 }, (_, i) => start + i + 1));
    for (const stream of new Set(rows.map((row) => row.stream))) {
      const numbers = rows.filter((row) => row.stream === stream).map(({ seq }) => seq);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });
});

describe('the outbox', () => {
  test('gives rows of one workflow in order, one at a time, and again when a lease has run out', async () => {
    const outbox = createOutbox(server.system);
    await server.system.run(sql`delete from outbox`);
    const message = (workflowId: string, signal: string) => ({
      workflowId,
      kind: 'signal' as const,
      payload: { signal },
    });
    await store.write(principal, async (tx) => {
      for (const signal of ['one', 'two']) for (const id of ['a', 'b']) tx.enqueue(message(id, signal));
    });
    const [mine, others] = await Promise.all([outbox.claim(10), outbox.claim(10)]);
    const first = [...mine, ...others];
    expect(first.map(({ payload }) => payload['signal'])).toEqual(['one', 'one']);
    expect(await outbox.claim(10)).toEqual([]);
    await server.system.run(sql`update outbox set leased_until = '-infinity' where workflow_id = 'a'`);
    const again = await outbox.claim(10);
    expect(again).toMatchObject([{ workflow_id: 'a', payload: { signal: 'one' }, tries: 2 }]);
    await outbox.delivered(again.map(({ id }) => id));
    expect(await outbox.claim(10)).toMatchObject([{ workflow_id: 'a', payload: { signal: 'two' } }]);
    await server.system.run(sql`delete from outbox`);
  });
});

describe('retention', () => {
  test('drops days that are over, and says from where on the feed is complete', async () => {
    await sweep(server.system, 30);
    await store.write(principal, async (tx) => tx.emit(streamOf('old'), 'test.happened', {}));
    while (await stampEvents(server.system));
    const [old] = await server.system.many<{ pos: number }>(
      sql`select pos from events where stream = ${streamOf('old')}`,
    );
    await server.system.run(
      sql`update events set at = now() - interval '40 days' where stream = ${streamOf('old')}`,
    );
    await sweep(server.system, 30);
    expect(await server.system.many(sql`select 1 from events where stream = ${streamOf('old')}`)).toEqual([]);
    await expect(store.read(principal, (db) => readFeed(db, (old?.pos ?? 0) - 1, 10))).rejects.toMatchObject({
      code: 'cursor_expired',
    });
    expect(await store.read(principal, (db) => readFeed(db, old?.pos ?? 0, 10))).toEqual([]);
  });
});

describe('the entities', () => {
  test('name only columns that their tables have', async () => {
    const columns = await server.system.many<{ table_name: string; column_name: string }>(
      sql`select table_name::text, column_name::text from information_schema.columns where table_schema = 'public'`,
    );
    for (const entity of entities) {
      const { tableName, properties } = entity.meta;
      const known = columns
        .filter((column) => column.table_name === tableName)
        .map((column) => column.column_name);
      expect(known.length).toBeGreaterThan(0);
      for (const name of Object.keys(properties))
        expect(known).toContain(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    }
  });
});
