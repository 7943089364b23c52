import { createHash, createHmac } from 'node:crypto';
import type { Described } from '../../store/backup/snapshot.ts';
import type { TableShape } from '../../store/backup/catalogue.ts';

/** Changes when an older restore could not read what a newer backup writes. */
export const FORMAT = 1;

export const MANIFEST = 'manifest.json';
export const SECRET = 'secret.key';

/** A piece of the archive, held against what is read again. */
export interface Sum {
  readonly bytes: number;
  readonly sha256: string;
}

export interface TableSum extends TableShape, Sum {
  readonly rows: number;
}

export interface FileSum extends Sum {
  /** Below `files/` of the data directory. */
  readonly path: string;
}

/** The last member of an archive: what the others are. */
export interface Manifest extends Described {
  readonly format: number;
  readonly taskloom: string;
  readonly made_at: string;
  readonly postgresql: string;
  /** Tells whether a master key is the one of this backup, and nothing about it. */
  readonly key_check: string;
  readonly holds_secret: boolean;
  readonly tables: readonly TableSum[];
  readonly files: readonly FileSum[];
}

export const keyCheck = (master: Buffer): string =>
  createHmac('sha256', master).update('taskloom/backup/key-check').digest('hex');

/** Counts and digests what passes. */
export class Summing {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  add(piece: Buffer): Buffer {
    this.#hash.update(piece);
    this.#bytes += piece.length;
    return piece;
  }

  end(): Sum {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

export const isSame = (a: Sum | undefined, b: Sum): boolean =>
  a !== undefined && a.bytes === b.bytes && a.sha256 === b.sha256;
