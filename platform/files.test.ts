import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startStorageDouble, type StorageDouble } from '../test/doubles/storage-double.ts';
import { toConfig, type Config } from './config.ts';
import { readEnv, type Env } from './env.ts';
import { FilesUnavailable, openFiles, type Files } from './files.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'taskloom-files-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const config = (env: Partial<Env> = {}): Config['files'] => toConfig({ ...readEnv(), dataDir, ...env }).files;
const bytesOf = async (files: Files, key: string): Promise<Buffer | undefined> => {
  const found = await files.get(key);
  return found && buffer(found.stream);
};

/** What every storage does, whoever keeps the bytes. */
const conformance = (
  name: string,
  open: () => Promise<{ files: Files; close: () => Promise<void> }>,
): void => {
  describe(`${name}: a file storage`, () => {
    let files: Files;
    let close: () => Promise<void>;
    beforeEach(async () => ({ files, close } = await open()));
    afterEach(() => close());

    test('gives back what was put, with its type and size', async () => {
      const bytes = Buffer.from([0, 1, 2, 250, 255, 13, 10, 13, 10, 45, 45]);
      await files.put('images/a-1/original.png', bytes, 'image/png');
      const found = await files.get('images/a-1/original.png');
      expect(found).toMatchObject({ size: bytes.length, contentType: 'image/png' });
      expect(await bytesOf(files, 'images/a-1/original.png')).toEqual(bytes);
      expect(await files.exists('images/a-1/original.png')).toBe(true);
    });

    test('puts the newer file in the place of the older', async () => {
      await files.put('a.webp', Buffer.from('the longer first one'), 'image/webp');
      await files.put('a.webp', Buffer.from('second'), 'image/webp');
      expect((await bytesOf(files, 'a.webp'))?.toString()).toBe('second');
    });

    test('has nothing under a key that nobody used, and deletes that without complaint', async () => {
      expect(await files.get('no/such.png')).toBeUndefined();
      expect(await files.exists('no/such.png')).toBe(false);
      await files.delete('no/such.png');
    });

    test('forgets what was deleted', async () => {
      await files.put('b/c.png', Buffer.from('x'), 'image/png');
      await files.delete('b/c.png');
      expect(await files.get('b/c.png')).toBeUndefined();
    });

    test.each(['', '/etc/passwd', '../up', 'a/../b', 'a/..', '.hidden', 'a//b', 'a b', 'a\\b', 'é', 'a/'])(
      'takes no key like %j',
      async (key) => {
        await expect(async () => files.put(key, Buffer.from('x'), 'text/plain')).rejects.toThrow(
          /key of a file/,
        );
        await expect(async () => files.get(key)).rejects.toThrow(/key of a file/);
        await expect(async () => files.delete(key)).rejects.toThrow(/key of a file/);
      },
    );

    test('passes its own check and leaves nothing behind', async () => {
      await files.check();
      await files.check();
    });
  });
};

conformance('disk', async () => ({ files: openFiles(config()), close: async () => {} }));

const s3Env = (double: StorageDouble): Partial<Env> => ({
  files: 's3',
  filesBucket: 'pictures',
  awsS3Url: double.url,
  awsAccessKeyId: 'AKIDEXAMPLE',
  awsSecretAccessKey: 'a very secret key',
});
conformance('S3', async () => {
  const double = await startStorageDouble('s3', 'pictures');
  return { files: openFiles(config(s3Env(double))), close: () => double.close() };
});
conformance('Google Cloud Storage', async () => {
  const double = await startStorageDouble('gcs', 'pictures');
  const files = openFiles(config({ files: 'gcs', filesBucket: 'pictures', googleStorageUrl: double.url }));
  return { files, close: () => double.close() };
});

describe('the disk', () => {
  test('never shows half a file, however many write at once', async () => {
    const files = openFiles(config());
    const versions = Array.from({ length: 20 }, (_, i) => Buffer.alloc(300_000, i));
    await files.put('same.png', versions[0] as Buffer, 'image/png');
    const writes = versions.map((bytes) => files.put('same.png', bytes, 'image/png'));
    const reads = Array.from({ length: 40 }, () => bytesOf(files, 'same.png'));
    for (const seen of await Promise.all(reads)) {
      expect(seen?.length).toBe(300_000);
      expect(new Set(seen).size).toBe(1);
    }
    await Promise.all(writes);
    expect(readdirSync(join(dataDir, 'files'))).toEqual(['same.png']);
  });

  test('says what it failed at, and keeps no partial file', async () => {
    const files = openFiles(config());
    await files.put('taken', Buffer.from('x'), 'text/plain');
    const failure = files.put('taken/below.png', Buffer.from('x'), 'image/png');
    await expect(failure).rejects.toThrow(FilesUnavailable);
    await expect(failure).rejects.toThrow(/failed to write taken\/below\.png: .*(ENOTDIR|EEXIST)/);
    expect(readdirSync(join(dataDir, 'files'))).toEqual(['taken']);
  });

  test('loads no client of a cloud', () => {
    const program = `
      import { registerHooks } from 'node:module';
      const seen = new Set();
      registerHooks({ load: (url, context, next) => { seen.add(url); return next(url, context); } });
      const { openFiles } = await import('./platform/files.ts');
      const files = openFiles(${JSON.stringify(config())});
      const before = seen.size;
      await files.check();
      console.log(JSON.stringify({ clouds: [...seen].filter((url) => /aws-sdk|google-cloud|smithy/.test(url)), before, after: seen.size }));`;
    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      env: { ...process.env, NODE_OPTIONS: '' },
      encoding: 'utf8',
    });
    const { clouds, before, after } = JSON.parse(said) as { clouds: string[]; before: number; after: number };
    expect(clouds).toEqual([]);
    expect(after).toBeGreaterThan(before);
  });
});

describe('S3', () => {
  let double: StorageDouble;
  beforeEach(async () => (double = await startStorageDouble('s3', 'pictures')));
  afterEach(() => double.close());

  test('is asked with a signature and the bucket in the path, for the type that was given', async () => {
    await openFiles(config(s3Env(double))).put('images/x.webp', Buffer.from('bytes'), 'image/webp');
    expect(double.calls).toEqual([
      {
        method: 'PUT',
        path: '/pictures/images/x.webp',
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/s3\/aws4_request/,
        ),
      },
    ]);
    expect(double.objects.get('images/x.webp')).toEqual({
      bytes: Buffer.from('bytes'),
      contentType: 'image/webp',
    });
  });

  test('that refuses is unavailable, in words that name it and no secret', async () => {
    const files = openFiles(config(s3Env(double)));
    double.refuse({ status: 403, code: 'SignatureDoesNotMatch' });
    const failure: unknown = await files.check().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FilesUnavailable);
    expect((failure as Error).message).toMatch(
      /^s3:pictures failed to write checks\/.*\(HTTP 403\): SignatureDoesNotMatch/,
    );
    expect((failure as Error).message).not.toMatch(/AKIDEXAMPLE|secret/);
  });

  test('without the bucket is a failure, not a missing file', async () => {
    const files = openFiles(config({ ...s3Env(double), filesBucket: 'elsewhere' }));
    await expect(files.put('a.png', Buffer.from('x'), 'image/png')).rejects.toThrow(
      /s3:elsewhere .*NoSuchBucket/,
    );
  });

  test('that is gone is unavailable', async () => {
    await double.close();
    const failure = openFiles(config(s3Env(double))).get('a.png');
    await expect(failure).rejects.toThrow(FilesUnavailable);
    double = await startStorageDouble('s3', 'pictures');
  });
});

describe('settings of the file storage', () => {
  test.each([
    [{ files: 's4' }, 'TASKLOOM_FILES'],
    [{ files: 's3' }, 'TASKLOOM_FILES_BUCKET'],
    [{ files: 'gcs', filesBucket: 'b', googleStorageUrl: 'localhost:9000' }, 'STORAGE_EMULATOR_HOST'],
    [{ files: 's3', filesBucket: 'b', awsS3Url: 'minio:9000' }, 'AWS_ENDPOINT_URL_S3'],
  ] as const)('%j names the setting to change', (env, setting) => {
    expect(() => config(env)).toThrow(setting);
  });
});
