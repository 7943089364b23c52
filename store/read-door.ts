import type pg from 'pg';
import type { Principal } from '../domain/identity/principal.ts';
import type { Reader } from './doors.ts';
import { openPool } from './pool.ts';
import type { Sql } from './sql.ts';

/** The settings that row security goes by, in one order; the empty text means "none". */
export const settingsOf = (
  principal: Principal,
): { 'app.workspace': string; 'app.user_id': string; 'app.site': string } => ({
  'app.workspace': principal.kind === 'public' ? '' : principal.workspaceId,
  'app.user_id': principal.userId ?? '',
  'app.site': principal.kind === 'public' ? principal.workspaceId : '',
});

/** Reads rows through `query`. */
export const readerOn = (query: (q: Sql) => Promise<{ rows: unknown[] }>): Reader => {
  const many = async <Row extends object>(q: Sql): Promise<Row[]> => (await query(q)).rows as Row[];
  const maybe = async <Row extends object>(q: Sql): Promise<Row | undefined> => (await many<Row>(q))[0];
  const one = async <Row extends object>(q: Sql): Promise<Row> => {
    const row = await maybe<Row>(q);
    if (row === undefined) throw new Error('A row was expected and there is none');
    return row;
  };
  return { many, maybe, one };
};

const ADOPT = `select set_config('app.workspace', $1, false), set_config('app.user_id', $2, false), set_config('app.site', $3, false)`;

/**
 * The lean door for reads, on connections that can't write. A connection serves one principal until it is given to
 * another; the hand-over travels ahead of the first read, in the same round trip. No result leaves before the hand-over
 * is known to have succeeded: else it could hold what the former principal may see.
 */
export class ReadDoor {
  readonly #pool: pg.Pool;
  readonly #owners = new WeakMap<pg.PoolClient, string>();

  constructor(url: string, options: { max: number; name: string }) {
    this.#pool = openPool(url, { ...options, readOnly: true });
  }

  async read<T>(principal: Principal, fn: (db: Reader) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    const adopted = this.#adopt(client, principal);
    let failure: Error | undefined;
    try {
      const result = await fn(readerOn((q) => client.query(q.text, q.values as unknown[])));
      await adopted;
      return result;
    } catch (error) {
      await adopted.catch((reason: Error) => (failure = reason));
      throw failure ?? error;
    } finally {
      client.release(failure);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  #adopt(client: pg.PoolClient, principal: Principal): Promise<void> {
    const values = Object.values(settingsOf(principal));
    const owner = values.join('/');
    if (this.#owners.get(client) === owner) return Promise.resolve();
    this.#owners.delete(client);
    const adopted = client.query(ADOPT, values).then(() => void this.#owners.set(client, owner));
    adopted.catch(() => {});
    return adopted;
  }
}
