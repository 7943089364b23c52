import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Disk } from 'flydrive';
import type { DriverContract } from 'flydrive/types';
import type { Config } from './config.ts';

export interface StoredFile {
  readonly stream: Readable;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
}

/** Where files are kept. Keys are paths of letters, digits, dots, dashes and underscores; a file is whole or not there. */
export interface Files {
  /** `fs:/path`, `s3:bucket` or `gcs:bucket`, for people. */
  readonly place: string;
  /** Writes a file, in place of one that has the key already. @throws FilesUnavailable. */
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** @returns the file, or `undefined` where there is none. @throws FilesUnavailable. */
  get(key: string): Promise<StoredFile | undefined>;
  /** @throws FilesUnavailable. */
  exists(key: string): Promise<boolean>;
  /** Deletes a file; one that is not there is no error. @throws FilesUnavailable. */
  delete(key: string): Promise<void>;
  /** Writes, reads and deletes a small file. @throws FilesUnavailable that says which of them failed, and why. */
  check(): Promise<void>;
}

/** The storage did not do what it was asked. Its words name the storage and its reason, never a credential. */
export class FilesUnavailable extends Error {
  override readonly name = 'FilesUnavailable';
}

const KEY = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/;
const MAX_KEY = 500;

/** No part of a key can be `..` or hidden: each begins with a letter or a digit. @throws Error for any other key. */
const checkKey = (key: string): string => {
  if (key.length > MAX_KEY || !KEY.test(key))
    throw new Error(`"${key.slice(0, 100)}" can not be the key of a file`);
  return key;
};

interface VendorError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string | number;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly cause?: unknown;
}

/** Flydrive wraps what the drivers throw. */
const innermost = (error: unknown): VendorError => {
  const { cause } = error as VendorError;
  return typeof cause === 'object' && cause !== null ? innermost(cause) : (error as VendorError);
};

const statusOf = (error: VendorError): number | undefined =>
  error.$metadata?.httpStatusCode ?? (typeof error.code === 'number' ? error.code : undefined);

/** A missing bucket is a mistake in the settings, not a missing file. */
const isMissing = (error: VendorError): boolean =>
  error.code === 'ENOENT' || (statusOf(error) === 404 && error.name !== 'NoSuchBucket');

const unavailable = (place: string, doing: string, error: unknown): FilesUnavailable => {
  const inner = innermost(error);
  const status = statusOf(inner);
  const reason = [inner.name === 'Error' ? '' : inner.name, inner.message].filter(Boolean).join(': ');
  return new FilesUnavailable(
    `${place} failed to ${doing}${status === undefined ? '' : ` (HTTP ${status})`}: ${reason.slice(0, 300)}`,
  );
};

type FilesConfig = Config['files'];

/** Replaces a file in one move: a reader sees the old one or the new one, and a power cut leaves no half. */
const putOnDisk = async (disk: Disk, root: string, key: string, bytes: Uint8Array): Promise<void> => {
  const partial = `${key}.${randomUUID()}.part`;
  try {
    await disk.put(partial, bytes);
    const handle = await open(join(root, partial), 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(join(root, partial), join(root, key));
  } catch (error) {
    await disk.delete(partial).catch(() => {});
    throw error;
  }
};

const openDriver = async (config: FilesConfig): Promise<DriverContract> => {
  if (config.driver === 's3') return (await import('./files/s3.ts')).s3Driver(config);
  if (config.driver === 'gcs') return (await import('./files/gcs.ts')).gcsDriver(config);
  const { FSDriver } = await import('flydrive/drivers/fs');
  return new FSDriver({ location: config.root, visibility: 'private' });
};

/** A cloud's client takes a tenth of a second and some 25 megabytes to load: only where it was chosen, and when it is used. */
const openDisk = async (config: FilesConfig): Promise<Disk> => {
  const { Disk } = await import('flydrive');
  return new Disk(await openDriver(config));
};

const checkFiles = async (files: Files): Promise<void> => {
  const key = `checks/${randomUUID()}.txt`;
  const sent = Buffer.from(key);
  await files.put(key, sent, 'text/plain');
  try {
    const found = await files.get(key);
    const read = await (found && buffer(found.stream))?.catch((error: unknown) => {
      throw unavailable(files.place, `read ${key}`, error);
    });
    if (!read?.equals(sent))
      throw new FilesUnavailable(`${files.place} did not give back what was written to it`);
  } finally {
    await files.delete(key);
  }
};

/** Opens the file storage that the settings chose. Nothing is contacted or loaded before the first call. */
export const openFiles = (config: FilesConfig): Files => {
  const place = config.driver === 'fs' ? `fs:${config.root}` : `${config.driver}:${config.bucket}`;
  let opened: Promise<Disk> | undefined;
  const disk = (): Promise<Disk> => (opened ??= openDisk(config));

  const attempt = async <T>(doing: string, work: (on: Disk) => Promise<T>, missing?: () => T): Promise<T> => {
    try {
      return await work(await disk());
    } catch (error) {
      if (missing && isMissing(innermost(error))) return missing();
      throw unavailable(place, doing, error);
    }
  };

  const files: Files = {
    place,
    put: (key, bytes, contentType) => {
      checkKey(key);
      return attempt(`write ${key}`, (on) =>
        config.driver === 'fs'
          ? putOnDisk(on, config.root, key, bytes)
          : on.put(key, bytes, { contentType, contentLength: bytes.length }),
      );
    },
    get: (key) => {
      checkKey(key);
      return attempt<StoredFile | undefined>(
        `read ${key}`,
        async (on) => {
          // First what it is: a cloud's stream would report a missing file when its reader has begun to answer.
          const { contentLength, contentType } = await on.getMetaData(key);
          const stream = await on.getStream(key);
          return { stream, size: contentLength, contentType: contentType ?? 'application/octet-stream' };
        },
        () => undefined,
      );
    },
    exists: (key) => {
      checkKey(key);
      return attempt(`look for ${key}`, (on) => on.exists(key));
    },
    delete: (key) => {
      checkKey(key);
      return attempt(
        `delete ${key}`,
        (on) => on.delete(key),
        () => undefined,
      );
    },
    check: () => checkFiles(files),
  };
  return files;
};
