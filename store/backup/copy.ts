import { Readable } from 'node:stream';
import { once } from 'node:events';
import type pg from 'pg';

/** What of the driver's connection a COPY needs. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
  readonly stream: import('node:net').Socket;
}

/** A statement that the driver does not know itself: it is told everything that the server says until the next one. */
type Conversation = Readonly<Record<string, (...said: never[]) => void>> & pg.Submittable;

const PIECE_BYTES = 65_536;

const unexpected = (): never => {
  throw new Error('the server answered a COPY with rows');
};

/** The answers that mean nothing to a COPY. */
const SILENT = {
  handleRowDescription: unexpected,
  handleDataRow: unexpected,
  handleEmptyQuery: unexpected,
  handlePortalSuspended: unexpected,
};

/** Gathers rows, which arrive one by one, into pieces worth passing on. */
class Pieces {
  #rows: Buffer[] = [];
  #bytes = 0;

  add(row: Buffer): Buffer | undefined {
    // The driver reads the next message into the same memory.
    this.#rows.push(Buffer.from(row));
    this.#bytes += row.length;
    return this.#bytes < PIECE_BYTES ? undefined : this.take();
  }

  take(): Buffer {
    const piece = Buffer.concat(this.#rows);
    this.#rows = [];
    this.#bytes = 0;
    return piece;
  }
}

/**
 * Runs `copy … to stdout`. @returns what the server sends, held back while nobody reads it, and a count of its rows that is
 * final when the stream has ended. The stream fails with the server's error.
 */
export const copyOut = (client: pg.Client, statement: string): { stream: Readable; rows: () => number } => {
  const pieces = new Pieces();
  let connection: CopyConnection | undefined;
  let rows = 0;
  const stream = new Readable({ highWaterMark: 4 * PIECE_BYTES, read: () => connection?.stream.resume() });
  const conversation = {
    ...SILENT,
    submit(given: CopyConnection) {
      connection = given;
      given.query(statement);
    },
    handleCopyData({ chunk }: { chunk: Buffer }) {
      rows++;
      const piece = pieces.add(chunk);
      if (piece && !stream.push(piece)) connection?.stream.pause();
    },
    handleCommandComplete() {},
    handleReadyForQuery() {
      const rest = pieces.take();
      if (rest.length > 0) stream.push(rest);
      stream.push(null);
    },
    handleError: (error: Error) => void stream.destroy(error),
  };
  client.query(conversation as unknown as Conversation);
  return { stream, rows: () => rows };
};

/** A `copy … from stdin` under way. */
export interface CopyIn {
  /** Sends bytes in the format of the statement; waits while the server can't take more. */
  write(bytes: Buffer): Promise<void>;
  /** @throws the server's error, also one that came while writing. */
  end(): Promise<void>;
}

/** Runs `copy … from stdin`. @throws the server's error, for one when the table does not exist. */
export const copyIn = async (client: pg.Client, statement: string): Promise<CopyIn> => {
  const ready = Promise.withResolvers<CopyConnection>();
  const done = Promise.withResolvers<void>();
  let failure: Error | undefined;
  const conversation = {
    ...SILENT,
    submit: (connection: CopyConnection) => connection.query(statement),
    handleCopyInResponse: (connection: CopyConnection) => ready.resolve(connection),
    handleCommandComplete() {},
    handleReadyForQuery: () => done.resolve(),
    handleError(error: Error) {
      failure = error;
      ready.reject(error);
      done.reject(error);
    },
  };
  // Whoever waits for it learns of a failure; it may come before anybody does.
  done.promise.catch(() => {});
  client.query(conversation as unknown as Conversation);
  const connection = await ready.promise;
  return {
    async write(bytes) {
      if (failure) throw failure;
      connection.sendCopyFromChunk(bytes);
      if (connection.stream.writableNeedDrain)
        await Promise.race([once(connection.stream, 'drain'), done.promise]);
    },
    end() {
      if (!failure) connection.endCopyFrom();
      return done.promise;
    },
  };
};
