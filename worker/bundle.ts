import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { VERSION } from '../platform/version.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['workflows/**/*.ts', 'domain/**/*.ts', 'package-lock.json'];

/** Changes with any source that a workflow can import, and with the SDK. */
const fingerprint = (): string => {
  const hash = createHash('sha256').update(VERSION).update(process.version);
  const files = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).filter(
    (file) => !file.endsWith('.test.ts'),
  );
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex').slice(0, 24);
};

/** Bundles the workflows of this source tree into `file`. The bundler holds 130 MB that only its process's end gives back. */
const build = async (file: string): Promise<void> => {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows/index.ts'),
    logger: new DefaultLogger('WARN'),
  });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, code);
  renameSync(unfinished, file);
};

/**
 * The bundle of the present sources, built in a process of its own when there is none yet.
 * @param cacheDir outside the checkout; @returns the file's path.
 */
export const ensureBundle = async (cacheDir: string): Promise<string> => {
  const folder = join(cacheDir, 'workflows');
  const file = join(folder, `${fingerprint()}.js`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), file]);
  return file;
};

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2]) await build(process.argv[2]);
