import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

const PIP_TIMEOUT_MS = 300_000;
const REQUIREMENTS = fileURLToPath(new URL('requirements/', import.meta.url));

const hashFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

/** The file's size and time and the hash it had: reading 100 MB at every start would cost half a second. */
const stampOf = async (path: string, sha256: string): Promise<string> => {
  const { size, mtimeMs } = await stat(path);
  return JSON.stringify({ sha256, size, mtimeMs });
};

const stampPath = (path: string): string => `${path}.verified`;

/** Whether the file is there with this hash; hashes it only when its size or time is not the one verified before. */
export const isVerified = async (path: string, sha256: string): Promise<boolean> => {
  try {
    const stamp = await stampOf(path, sha256);
    if ((await readFile(stampPath(path), 'utf8').catch(() => '')) === stamp) return true;
    if ((await hashFile(path)) !== sha256) return false;
    await writeFile(stampPath(path), stamp).catch(() => {});
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

/**
 * Puts content with this hash at its place in the cache, complete or not at all, whoever else does the same.
 * @throws Error when the content has another hash; nothing is written then.
 */
export const storeVerified = async (
  content: Buffer,
  path: string,
  sha256: string,
  mode = 0o644,
): Promise<void> => {
  const actual = createHash('sha256').update(content).digest('hex');
  if (actual !== sha256) throw new Error(`${basename(path)} has the hash ${actual}, expected was ${sha256}`);
  await mkdir(dirname(path), { recursive: true });
  const directory = await mkdtemp(join(dirname(path), '.new-'));
  try {
    const draft = join(directory, basename(path));
    await writeFile(draft, content, { mode });
    await chmod(draft, mode);
    await rename(draft, path);
    await writeFile(stampPath(path), await stampOf(path, sha256));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

const runPip = (args: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    execFile(
      'python3',
      ['-m', 'pip', ...args],
      { timeout: PIP_TIMEOUT_MS, env: { ...process.env } },
      (error, _out, words) => {
        if (!error) return resolve();
        if ((error as NodeJS.ErrnoException).code === 'ENOENT')
          return reject(new Error('python3 is not installed'));
        const last = words.trim().split('\n').at(-1);
        reject(
          new Error(
            /No module named pip/.test(words) ? 'python3 has no pip' : `pip failed: ${last || error.message}`,
          ),
        );
      },
    );
  });

/**
 * Fetches one pinned Python wheel with pip, which knows its own index and checks the hash.
 * @param requirements name of a file in `requirements/`.
 * @returns the wheel's content. @throws Error with pip's reason in one line.
 */
export const downloadWheel = async (requirements: string, cacheDir: string): Promise<Buffer> => {
  await mkdir(cacheDir, { recursive: true });
  const directory = await mkdtemp(join(cacheDir, '.wheel-'));
  try {
    await runPip([
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-input',
      '--no-cache-dir',
      '--no-deps',
      '--only-binary=:all:',
      '--require-hashes',
      '--timeout=15',
      '--retries=1',
      `--dest=${directory}`,
      `--requirement=${join(REQUIREMENTS, requirements)}`,
    ]);
    const wheel = (await readdir(directory)).find((name) => name.endsWith('.whl'));
    if (!wheel) throw new Error('pip downloaded no wheel');
    return await readFile(join(directory, wheel));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
