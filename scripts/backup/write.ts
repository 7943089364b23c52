import { createReadStream, createWriteStream } from 'node:fs';
import { link, lstat, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { VERSION } from '../../platform/version.ts';
import type { Snapshot } from '../../store/backup/snapshot.ts';
import { FORMAT, keyCheck, MANIFEST, SECRET, Summing, type FileSum } from './manifest.ts';
import type { Manifest, TableSum } from './manifest.ts';
import { TAR_END, tarHeader, tarPadding } from './tar.ts';

/** A table's rows lie in the archive in parts of about this size, as a member's size stands before its content. */
const PART_BYTES = 4_194_304;

export interface BackupInput {
  readonly snapshot: Snapshot;
  /** The data directory, whose `files/` belong to the backup. */
  readonly dataDir: string;
  readonly masterKey: Buffer;
  readonly withSecret: boolean;
  /** Where the archive goes. It must not exist. */
  readonly file: string;
  readonly progress: (text: string) => void;
}

/** Writes members; waits while the disk is slower than the database. */
class TarWriter {
  readonly out = new PassThrough({ highWaterMark: PART_BYTES });
  readonly #at = new Date();

  async write(piece: Buffer): Promise<void> {
    if (this.out.write(piece)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        this.out.off('drain', settle).off('close', settle);
        if (this.out.destroyed) reject(this.out.errored ?? new Error('the archive could not be written'));
        else resolve();
      };
      this.out.on('drain', settle).on('close', settle);
    });
  }

  async header(name: string, bytes: number): Promise<void> {
    await this.write(tarHeader({ name, bytes, at: this.#at }));
  }

  async pad(bytes: number): Promise<void> {
    await this.write(tarPadding(bytes));
  }

  async member(name: string, content: Buffer): Promise<void> {
    await this.header(name, content.length);
    await this.write(content);
    await this.pad(content.length);
  }
}

const writeTable = async (
  tar: TarWriter,
  snapshot: Snapshot,
  table: Snapshot['tables'][number],
): Promise<TableSum> => {
  const { stream, rows } = snapshot.read(table);
  const sum = new Summing();
  let parts = 0;
  let waiting: Buffer[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (bytes === 0) return;
    const name = `tables/${table.name}/${String(++parts).padStart(8, '0')}.copy`;
    const content = Buffer.concat(waiting);
    [waiting, bytes] = [[], 0];
    await tar.member(name, content);
  };
  for await (const piece of stream as AsyncIterable<Buffer>) {
    waiting.push(sum.add(piece));
    bytes += piece.length;
    if (bytes >= PART_BYTES) await flush();
  }
  await flush();
  return { ...table, rows: rows(), ...sum.end() };
};

/** One that was removed since the database was read is left out: its row had lost its use by then. */
const writeFile = async (tar: TarWriter, folder: string, path: string): Promise<FileSum | null> => {
  const size = await lstat(join(folder, path)).then(
    (stats) => (stats.isFile() ? stats.size : null),
    () => null,
  );
  if (size === null) return null;
  const sum = new Summing();
  await tar.header(`files/${path}`, size);
  if (size > 0) {
    const stream = createReadStream(join(folder, path), { end: size - 1 });
    for await (const piece of stream as AsyncIterable<Buffer>) await tar.write(sum.add(piece));
  }
  await tar.pad(size);
  const done = sum.end();
  if (done.bytes !== size) throw new Error(`${path} became shorter while it was read: try again`);
  return { path, ...done };
};

/** Everything below a folder, folders too; nothing when there is no such folder. */
const listFiles = (folder: string): Promise<string[]> =>
  readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

const fill = async (tar: TarWriter, input: BackupInput): Promise<Manifest> => {
  const { snapshot, progress } = input;
  const tables: TableSum[] = [];
  for (const table of snapshot.tables) {
    progress(`table ${table.name}`);
    tables.push(await writeTable(tar, snapshot, table));
  }
  const folder = join(input.dataDir, 'files');
  const paths = (await listFiles(folder)).toSorted();
  const files: FileSum[] = [];
  for (const [n, path] of paths.entries()) {
    progress(`files, ${n} of ${paths.length}`);
    const written = await writeFile(tar, folder, path);
    if (written) files.push(written);
  }
  if (input.withSecret) await tar.member(SECRET, input.masterKey);
  const { migrations, partitions, sequences, serverVersion } = snapshot;
  const manifest: Manifest = {
    format: FORMAT,
    taskloom: VERSION,
    made_at: new Date().toISOString(),
    postgresql: serverVersion,
    key_check: keyCheck(input.masterKey),
    holds_secret: input.withSecret,
    migrations,
    partitions,
    sequences,
    tables,
    files,
  };
  await tar.member(MANIFEST, Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`));
  await tar.write(TAR_END);
  tar.out.end();
  return manifest;
};

/**
 * Writes a backup: complete under its name, or not at all. Readable by its owner alone.
 * @returns what it holds. @throws Error when the file exists or can't be written.
 */
export const writeBackup = async (input: BackupInput): Promise<Manifest & { bytes: number }> => {
  const draft = `${input.file}.unfinished-${process.pid}`;
  const tar = new TarWriter();
  const output = createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true });
  try {
    const written = pipeline(tar.out, createGzip(), output);
    const filled = fill(tar, input).catch((error: Error) => {
      tar.out.destroy(error);
      throw error;
    });
    const [manifest] = await Promise.all([filled, written]);
    // A link, as a renaming would replace what somebody put there meanwhile.
    await link(draft, input.file);
    return { ...manifest, bytes: (await stat(draft)).size };
  } finally {
    await rm(draft, { force: true });
  }
};
