import type pg from 'pg';
import { openPool } from './pool.ts';
import type { Sql } from './sql.ts';

/** The door across workspaces, for the dispatcher, the sequencer, the reconciler and totals. Handlers can't import it. */
export interface SystemStore {
  many<Row extends object>(query: Sql): Promise<Row[]>;
  maybe<Row extends object>(query: Sql): Promise<Row | undefined>;
  run(query: Sql): Promise<number>;
  /** Runs `fn` on one connection inside a transaction. */
  transaction<T>(fn: (db: Pick<SystemStore, 'many' | 'run'>) => Promise<T>): Promise<T>;
  /** Runs statements in one transaction and one round trip, so that its locks never wait for this process. @returns their numbers of rows. */
  batch(queries: readonly Sql[]): Promise<number[]>;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

const on = (client: pg.Pool | pg.PoolClient) => {
  const query = (q: Sql) => client.query(q.text, q.values as unknown[]);
  return {
    many: async <Row extends object>(q: Sql) => (await query(q)).rows as Row[],
    maybe: async <Row extends object>(q: Sql) => (await query(q)).rows[0] as Row | undefined,
    run: async (q: Sql) => (await query(q)).rowCount ?? 0,
  };
};

/**
 * @param url the connection of `taskloom_system`.
 * @param options with `durable: false` commits don't wait for the disk: for what a crash may undo without harm.
 */
export const openSystemStore = (
  url: string,
  options: { poolSize?: number; name?: string; durable?: boolean } = {},
): SystemStore => {
  const pool = openPool(url, {
    max: options.poolSize ?? 4,
    name: options.name ?? 'taskloom-system',
    durable: options.durable ?? true,
  });
  const onOneConnection = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let failure: Error | undefined;
    try {
      const begun = client.query('begin');
      begun.catch(() => {});
      return await work(client);
    } catch (error) {
      failure = error as Error;
      await client.query('rollback').catch(() => {});
      throw error;
    } finally {
      // A connection that failed is not given to the next one.
      client.release(failure);
    }
  };
  return {
    ...on(pool),
    pool,
    transaction: (fn) =>
      onOneConnection(async (client) => {
        const result = await fn(on(client));
        await client.query('commit');
        return result;
      }),
    batch: (queries) =>
      onOneConnection(async (client) => {
        const results = await Promise.all([
          ...queries.map((q) => client.query(q.text, q.values as unknown[])),
          client.query('commit'),
        ]);
        return results.slice(0, -1).map(({ rowCount }) => rowCount ?? 0);
      }),
    close: () => pool.end(),
  };
};
