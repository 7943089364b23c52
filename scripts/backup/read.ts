import { createReadStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { knownMigrations } from '../../store/setup/check.ts';
import type { Loading } from '../../store/backup/load.ts';
import { FORMAT, isSame, keyCheck, MANIFEST, SECRET, Summing, type Manifest, type Sum } from './manifest.ts';
import { readTar, skip, type TarMember } from './tar.ts';

const TABLE_PART = /^tables\/(\w+)\/\d{8}\.copy$/;
/** No step up, no root, nothing hidden in between. */
const FILE_MEMBER = /^files\/((?!\.{1,2}(?:\/|$))[^/\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)*)$/;

const members = (file: string): AsyncGenerator<TarMember> => {
  const source = createReadStream(file);
  const unzipped = createGunzip();
  source.on('error', (error) => unzipped.destroy(error));
  return readTar(source.pipe(unzipped));
};

const whole = async (member: TarMember): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const piece of member.content) parts.push(piece);
  return Buffer.concat(parts);
};

const damaged = (file: string, why: string): Error =>
  new Error(`${file} is damaged (${why}): nothing was restored. Use another copy of it, or another backup.`);

interface Contents {
  readonly manifest: Manifest;
  /** The master key, unless it was left out. */
  readonly secret: Buffer | null;
}

/** Reads the whole archive once. */
const readThrough = async (file: string) => {
  const tables = new Map<string, Summing>();
  const files = new Map<string, Sum>();
  let manifest: Manifest | undefined;
  let secret: Buffer | null = null;
  for await (const member of members(file)) {
    const table = TABLE_PART.exec(member.name)?.[1];
    const path = FILE_MEMBER.exec(member.name)?.[1];
    if (manifest) throw new Error('something follows its manifest');
    if (member.name === MANIFEST) manifest = JSON.parse((await whole(member)).toString()) as Manifest;
    else if (member.name === SECRET) secret = await whole(member);
    else if (table !== undefined) {
      const sum = tables.get(table) ?? new Summing();
      tables.set(table, sum);
      for await (const piece of member.content) sum.add(piece);
    } else if (path !== undefined) {
      const sum = new Summing();
      for await (const piece of member.content) sum.add(piece);
      files.set(path, sum.end());
    } else throw new Error(`it holds ${member.name}, which no backup does`);
  }
  if (!manifest) throw new Error('it has no manifest');
  return { manifest, secret, files, tables: new Map([...tables].map(([name, sum]) => [name, sum.end()])) };
};

type Through = Awaited<ReturnType<typeof readThrough>>;

const NOTHING: Sum = new Summing().end();

const firstDifference = ({ manifest, secret, files, tables }: Through): string | null => {
  for (const table of manifest.tables)
    if (!isSame(tables.get(table.name) ?? NOTHING, table))
      return `the rows of ${table.name} are not those of its manifest`;
  for (const one of manifest.files)
    if (!isSame(files.get(one.path), one))
      return `the file ${one.path} is missing or not the one of its manifest`;
  if (tables.size > manifest.tables.length || files.size > manifest.files.length)
    return 'it holds more than its manifest says';
  if (manifest.holds_secret !== (secret !== null) || (secret && keyCheck(secret) !== manifest.key_check))
    return 'its master key is not the one of its manifest';
  return null;
};

const requireReadable = (manifest: Manifest): void => {
  if (manifest.format !== FORMAT)
    throw new Error(
      `This backup has the format ${manifest.format}, this Taskloom reads ${FORMAT}: restore it with version ${manifest.taskloom}.`,
    );
  const known = knownMigrations();
  const unknown = manifest.migrations.filter((name, index) => known[index] !== name);
  if (unknown.length > 0)
    throw new Error(
      `This backup was made by Taskloom ${manifest.taskloom} with the schema ${manifest.migrations.at(-1)}, which this version does not know: restore it with that version or a newer one.`,
    );
};

/**
 * Reads an archive from its first to its last byte, before anything is changed.
 * @returns what it holds. @throws Error that says what to do: damaged, or of a version that is not known here.
 */
export const verifyBackup = async (file: string): Promise<Contents> => {
  let through: Through;
  try {
    through = await readThrough(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error(`There is no ${file}.`, { cause: error });
    throw damaged(file, (error as Error).message);
  }
  requireReadable(through.manifest);
  const difference = firstDifference(through);
  if (difference) throw damaged(file, difference);
  return { manifest: through.manifest, secret: through.secret };
};

const writeFile = async (member: TarMember, target: string): Promise<void> => {
  await mkdir(dirname(target), { recursive: true });
  const draft = `${target}.unfinished-${process.pid}`;
  const handle = await open(draft, 'w', 0o600);
  try {
    for await (const piece of member.content) await handle.appendFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, target);
};

/** Gives the rows of a verified archive to the database and writes its files below `filesDir`. */
export const unpackBackup = async (
  file: string,
  filesDir: string,
  loading: Loading,
  progress: (text: string) => void,
): Promise<void> => {
  let current: string | undefined;
  for await (const member of members(file)) {
    const table = TABLE_PART.exec(member.name)?.[1];
    const path = FILE_MEMBER.exec(member.name)?.[1];
    if (table !== undefined) {
      if (table !== current) await loading.table(table);
      current = table;
      progress(`table ${table}`);
      for await (const piece of member.content) await loading.write(piece);
    } else if (path !== undefined) {
      progress('files');
      await writeFile(member, join(filesDir, path));
    } else await skip(member.content);
  }
};
