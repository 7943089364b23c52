import type { Socket } from 'node:net';
import pg from 'pg';

const INT8 = 20;

/** int8 as a number: identities, sums of tokens and micro-dollars stay far below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(INT8, Number);

/** Far more than there are statements; what is built beyond that goes without a name. */
const MAX_NAMES = 500;
const names = new Map<string, string>();

const nameOf = (text: string): string | undefined => {
  const known = names.get(text);
  if (known !== undefined || names.size >= MAX_NAMES) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
};

/**
 * Gives each statement with parameters a name, so that a connection parses and plans it once, and sends what is asked in one
 * turn of the event loop in one packet, which is one system call.
 */
class PipeliningClient extends pg.Client {
  #isGathering = false;

  // oxlint-disable-next-line typescript/no-explicit-any -- the overloads of `query` have no common type
  override query(text: any, values?: any, done?: any): any {
    this.#gather();
    const name =
      typeof text === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined;
    return name === undefined ? super.query(text, values, done) : super.query({ name, text, values }, done);
  }

  /** The next tick comes when every promise that could go on has gone on: until then nothing is sent. */
  #gather(): void {
    if (this.#isGathering) return;
    const { stream } = (this as unknown as { connection: { stream: Socket } }).connection;
    this.#isGathering = true;
    stream.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      stream.uncork();
    });
  }
}

const flags = (options: { durable?: boolean; readOnly?: boolean }): string =>
  [
    ...(options.durable === false ? ['-c synchronous_commit=off'] : []),
    ...(options.readOnly ? ['-c default_transaction_read_only=on'] : []),
  ].join(' ');

/**
 * A pool whose clients pipeline: several statements can be on their way in one round trip.
 * A connection that dies while idle is replaced at the next use; the one who uses it gets the error.
 */
export const openPool = (
  url: string,
  options: { max: number; name: string; durable?: boolean; readOnly?: boolean },
): pg.Pool => {
  const pool = new pg.Pool({
    Client: PipeliningClient,
    connectionString: url,
    max: options.max,
    application_name: options.name,
    types,
    options: flags(options),
    pipeline: true,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
};
