import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { verifyBackup } from '../../scripts/backup/read.ts';
import { loadDatabase } from '../../store/backup/load.ts';
import { contentsOf, rows, run, startTrial, TASK, type Trial } from './trial.ts';

let trial: Trial;
beforeAll(async () => {
  trial = await startTrial();
});
afterAll(() => trial?.close());

/** A copy of the archive in which this was done to the unpacked bytes. */
const changed = (change: (tar: Buffer) => Buffer): string => {
  const file = join(trial.folder, `${randomBytes(4).toString('hex')}.tar.gz`);
  writeFileSync(file, gzipSync(change(gunzipSync(readFileSync(trial.archive)))));
  return file;
};

describe('a restore refuses', () => {
  const flip = (at: number) => (tar: Buffer) => tar.fill((tar[at] ?? 0) ^ 1, at, at + 1);
  /** Offset of the content of the first member with this name. */
  const contentAt = (name: string): number => gunzipSync(readFileSync(trial.archive)).indexOf(name) + 512;

  test.each([
    ['a changed row', () => changed(flip(contentAt('tables/users/') + 40)), 'the rows of users'],
    ['a changed file', () => changed(flip(contentAt('PaxHeader') + 2048)), 'is missing or not the one'],
    ['a changed header', () => changed(flip(contentAt('tables/users/') - 500)), 'a header of the archive'],
    ['another key', () => changed(flip(contentAt('secret.key') + 1)), 'its master key'],
    ['a missing end', () => changed((tar) => tar.subarray(0, tar.length - 4096)), 'ends too early'],
    ['a foreign member', () => changed(foreign), 'which no backup does'],
  ])('%s', async (_what, make, why) => {
    const file = make();
    await expect(verifyBackup(file)).rejects.toThrow('is damaged');
    await expect(verifyBackup(file)).rejects.toThrow(why);
  });

  const foreign = (tar: Buffer): Buffer => {
    const at = tar.indexOf('secret.key');
    const header = Buffer.from(tar.subarray(at, at + 512));
    header.write('../../etc\0', 0);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return Buffer.concat([tar.subarray(0, at), header, tar.subarray(at + 512)]);
  };

  test('an archive that was cut off, or is none', async () => {
    const cut = join(trial.folder, 'cut.tar.gz');
    const bytes = readFileSync(trial.archive);
    writeFileSync(cut, bytes.subarray(0, bytes.length - 5));
    await expect(verifyBackup(cut)).rejects.toThrow('is damaged');
    copyFileSync(fileURLToPath(import.meta.url), cut);
    await expect(verifyBackup(cut)).rejects.toThrow('is damaged');
    await expect(verifyBackup(join(trial.folder, 'none'))).rejects.toThrow('There is no ');
  });

  const withManifest = (change: (manifest: Record<string, unknown>) => void) =>
    changed((tar) => {
      const at = tar.indexOf('manifest.json');
      const bytes = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
      const manifest = JSON.parse(tar.toString('utf8', at + 512, at + 512 + bytes));
      change(manifest);
      const json = JSON.stringify(manifest);
      return Buffer.concat([
        tar.subarray(0, at + 512),
        Buffer.from(json.padEnd(bytes)),
        tar.subarray(at + 512 + bytes),
      ]);
    });

  test('a newer schema and another format, and says which version to use', async () => {
    const newer = withManifest((manifest) => (manifest['migrations'] as string[]).push('9999-future'));
    await expect(verifyBackup(newer)).rejects.toThrow('restore it with that version or a newer one');
    const other = withManifest((manifest) => (manifest['format'] = 2));
    await expect(verifyBackup(other)).rejects.toThrow('has the format 2');
  });

  test('a database that is in use, and changes nothing in it', async () => {
    const before = await contentsOf(trial.original);
    await expect(trial.restore(trial.archive, trial.original)).rejects.toThrow(
      'not empty, and nothing in it was changed',
    );
    expect(await contentsOf(trial.original)).toEqual(before);
    const foreignDatabase = await trial.newDatabase();
    await run(foreignDatabase, 'create table somebodys (id int)');
    await expect(trial.restore(trial.archive, foreignDatabase)).rejects.toThrow(
      "tables that are not Taskloom's",
    );
  });

  test('rows that break a rule, leaves none of them, and can be done again', async () => {
    const target = await trial.newDatabase();
    const { manifest } = await verifyBackup(trial.archive);
    const broken = loadDatabase(trial.urlsOf(target), manifest, async (loading) => {
      await loading.table('memberships');
      await loading.write(Buffer.from(`${TASK}\t${TASK}\t${TASK}\t2026-01-01\n`));
    });
    await expect(broken).rejects.toThrow('violates foreign key constraint');
    const malformed = loadDatabase(trial.urlsOf(target), manifest, async (loading) => {
      await loading.table('users');
      await loading.write(Buffer.from('not a row\n'));
    });
    await expect(malformed).rejects.toThrow('invalid input syntax');
    await trial.restore(trial.archive, target);
    expect(await rows(target, 'select count(*)::int as n from users')).toEqual([{ n: 500 }]);
  });
});
