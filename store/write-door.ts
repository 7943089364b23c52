import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Principal } from '../domain/identity/principal.ts';
import { Consequences, type Committed, type RequestOrigin } from './consequences.ts';
import type { Writer } from './doors.ts';
import { claimKey, storeAnswer, type IdempotencyClaim } from './idempotency.ts';
import { openPool } from './pool.ts';
import { readerOn, settingsOf } from './read-door.ts';
import type { Sql } from './sql.ts';

export interface WriteOptions extends RequestOrigin {
  readonly idempotency?: IdempotencyClaim | undefined;
}

/** Begins, and says on whose behalf, in one message. Should that ever fail, no workspace is set, and row security refuses what follows. */
const opening = (principal: Principal): string => {
  const settings = Object.entries(settingsOf(principal)).map(
    ([name, value]) => `set_config('${name}', ${pg.escapeLiteral(value)}, true)`,
  );
  return `begin; select ${settings.join(', ')}`;
};

/** An entity manager inside the transaction that `client` has open. */
const guestOf = (orm: MikroORM, client: pg.PoolClient): EntityManager => {
  const connection = {
    query: (text: string, values: readonly unknown[]) => client.query(text, values as unknown[]),
    release: () => {},
  };
  const pool = { connect: async () => connection, end: async () => {} };
  const em = orm.em.fork();
  em.setTransactionContext(new Kysely({ dialect: new PostgresDialect({ pool: pool as never }) }));
  return em;
};

/** One transaction: collects what follows from it, and what travels without being waited for. */
class Transaction {
  readonly consequences: Consequences;
  readonly writer: Writer;
  readonly #client: pg.PoolClient;
  readonly #orm: MikroORM | null;
  readonly #sent: Promise<unknown>[] = [];
  #em: EntityManager | undefined;
  #ended = false;

  constructor(client: pg.PoolClient, orm: MikroORM | null, principal: Principal, request: RequestOrigin) {
    this.#client = client;
    this.#orm = orm;
    this.consequences = new Consequences(principal.workspaceId, request);
    const { events, outbox } = this.consequences;
    const query = async (q: Sql) => {
      if (this.#ended) throw new Error('The transaction has ended: its connection may serve others by now');
      return client.query(q.text, q.values as unknown[]);
    };
    const em = (): EntityManager => {
      if (!this.#orm) throw new Error('This door has no entities');
      return (this.#em ??= guestOf(this.#orm, this.#client));
    };
    this.writer = {
      ...readerOn(query),
      principal,
      get em() {
        return em();
      },
      run: async (q) => (await query(q)).rowCount ?? 0,
      send: (q) => this.send(q.text, q.values),
      emit: (stream, type, payload) => events.push({ stream, type, payload }),
      enqueue: (m) => outbox.push({ workflow_id: m.workflowId, kind: m.kind, payload: m.payload }),
      audit: (action, targetType, targetId, detail, result) =>
        this.consequences.addAudit(principal, action, targetType, targetId, detail, result),
      count: (kind, status, by) => this.consequences.addCount(kind, status, by),
    };
  }

  /** Sends a statement that nobody waits for: it shares its round trip with the next one. `commit` throws its error. */
  send(text: string, values?: readonly unknown[]): void {
    const sent = values ? this.#client.query(text, values as unknown[]) : this.#client.query(text);
    sent.catch(() => {});
    this.#sent.push(sent);
  }

  /** Refuses what a part that nobody waits for any more would still ask. */
  end(): void {
    this.#ended = true;
  }

  /** The error of the first statement that nobody waited for and that failed: those after it only say that it did. */
  async failure(): Promise<Error | undefined> {
    const results = await Promise.allSettled(this.#sent);
    return results.find((result) => result.status === 'rejected')?.reason as Error | undefined;
  }

  async flush(): Promise<void> {
    await this.#em?.flush();
  }

  /** Commits. @throws the first error of what was sent: PostgreSQL refuses the rest then, and makes this a rollback. */
  async commit(): Promise<void> {
    const committed = this.#client.query('commit');
    const [{ command }] = await Promise.all([committed, ...this.#sent]);
    if (command !== 'COMMIT') throw new Error('An error was caught that had ended the transaction already');
  }
}

/**
 * The door for changes. The transaction is its own, on a plain connection; the ORM is a guest in it, for those who insert
 * entities. Opening, the statements that nobody waits for, the consequences and the commit travel together with what is
 * waited for, so that a short write costs two round trips.
 */
export class WriteDoor {
  readonly pool: pg.Pool;
  readonly #orm: MikroORM | null;
  readonly #listeners: ((committed: Committed) => void)[] = [];

  /** @param orm for those who insert entities. */
  constructor(url: string, orm: MikroORM | null, options: { max: number; name: string }) {
    this.pool = openPool(url, options);
    this.#orm = orm;
  }

  onCommit(listener: (committed: Committed) => void): void {
    this.#listeners.push(listener);
  }

  async write<T>(
    principal: Principal,
    fn: (tx: Writer) => Promise<T>,
    { idempotency, ...request }: WriteOptions,
  ): Promise<T> {
    const client = await this.pool.connect();
    const transaction = new Transaction(client, this.#orm, principal, request);
    const { writer, consequences } = transaction;
    let broken: Error | undefined;
    try {
      transaction.send(opening(principal));
      if (idempotency) await claimKey(writer, idempotency);
      const answer = await fn(writer);
      await transaction.flush();
      if (!consequences.isEmpty()) writer.send(consequences.statement());
      if (idempotency) storeAnswer(writer, idempotency, answer);
      transaction.end();
      await transaction.commit();
      this.#tell(consequences);
      return answer;
    } catch (error) {
      transaction.end();
      // What PostgreSQL made a rollback already answers this with a warning only.
      await client.query('rollback').catch((reason: Error) => (broken = reason));
      throw (await transaction.failure()) ?? error;
    } finally {
      client.release(broken);
    }
  }

  #tell(consequences: Consequences): void {
    const committed = consequences.committed();
    if (committed) for (const listener of this.#listeners) listener(committed);
  }
}
