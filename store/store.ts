import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery, PostgresDialect, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Principal } from '../domain/identity/principal.ts';
import { Consequences, type Committed } from './consequences.ts';
import type { Reader, Writer } from './doors.ts';
import { entities } from './entities.ts';
import { claimKey, storeAnswer, type IdempotencyClaim } from './idempotency.ts';
import { openPool, forTransactions } from './pool.ts';
import { ReadDoor, readerOn, settingsOf } from './read-door.ts';
import type { Sql } from './sql.ts';

export interface WriteOptions {
  readonly requestId?: string | undefined;
  readonly idempotency?: IdempotencyClaim | undefined;
}

export interface Store {
  /** Runs `fn` in a transaction that sees and changes only the principal's workspace. No network call belongs inside. */
  write<T>(principal: Principal, fn: (tx: Writer) => Promise<T>, options?: WriteOptions): Promise<T>;
  /** Runs `fn` on a read-only connection that sees only the principal's workspace. */
  read<T>(principal: Principal, fn: (db: Reader) => Promise<T>): Promise<T>;
  /** One of the few functions that answer before a workspace is known (sign-in, token, site). */
  beforeWorkspace<Row extends object>(query: Sql): Promise<Row | undefined>;
  /** Calls back after every commit that left something for others to see or to do. */
  onCommit(listener: (committed: Committed) => void): void;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

const writerOn = (em: EntityManager, principal: Principal, consequences: Consequences): Writer => {
  const transaction = em.getTransactionContext<Transaction<unknown>>();
  if (!transaction) throw new Error('the write door must open a transaction');
  const query = (q: Sql) => transaction.executeQuery(CompiledQuery.raw(q.text, [...q.values]));
  return {
    ...readerOn(query),
    principal,
    em,
    run: async (q) => Number((await query(q)).numAffectedRows ?? 0),
    emit: (stream, type, payload) => consequences.events.push({ stream, type, payload }),
    enqueue: (m) => consequences.outbox.push({ workflow_id: m.workflowId, kind: m.kind, payload: m.payload }),
    audit: (action, targetType, targetId, detail) =>
      consequences.addAudit(principal, action, targetType, targetId, detail),
    count: (kind, status, by) => consequences.addCount(kind, status, by),
  };
};

/**
 * Opens the store for one role.
 * @param url the connection of `taskloom_app`; `migrate` makes that role neither superuser nor exempt from row security.
 */
export const openStore = async (
  url: string,
  options: { poolSize?: number; name?: string } = {},
): Promise<Store> => {
  const pooling = { max: options.poolSize ?? 10, name: options.name ?? 'taskloom' };
  const pool = openPool(url, pooling);
  const readDoor = new ReadDoor(url, pooling);
  const orm = await MikroORM.init({
    clientUrl: url,
    entities,
    driverOptions: () => new PostgresDialect({ pool: forTransactions(pool) as never }),
    discovery: { warnWhenNoEntities: false },
  });
  const listeners: ((committed: Committed) => void)[] = [];
  return {
    pool,
    read: (principal, fn) => readDoor.read(principal, fn),
    write: async (principal, fn, writeOptions = {}) => {
      const consequences = new Consequences(principal.workspaceId, writeOptions.requestId);
      const { idempotency } = writeOptions;
      const result = await orm.em.fork().transactional(
        async (em) => {
          const tx = writerOn(em, principal, consequences);
          if (idempotency) await claimKey(tx, idempotency);
          const answer = await fn(tx);
          await em.flush();
          if (!consequences.isEmpty()) await tx.run(consequences.statement());
          if (idempotency) await storeAnswer(tx, idempotency, answer);
          return answer;
        },
        { sessionContext: { variables: settingsOf(principal) } },
      );
      const committed = consequences.committed();
      if (committed) for (const listener of listeners) listener(committed);
      return result;
    },
    beforeWorkspace: async (query) => (await pool.query(query.text, query.values as unknown[])).rows[0],
    onCommit: (listener) => void listeners.push(listener),
    close: async () => {
      await readDoor.close();
      await orm.close();
      await pool.end().catch(() => {});
    },
  };
};

export type { Reader, Writer } from './doors.ts';
export { sql } from './sql.ts';
