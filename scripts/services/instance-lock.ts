import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface InstanceLock {
  release(): void;
}

const readHolder = (file: string): string => {
  try {
    return ` (process ${Number(readFileSync(file, 'utf8'))})`;
  } catch {
    return '';
  }
};

/**
 * Makes this process the only one that runs Taskloom on a data directory. The lock is SQLite's, so the system frees
 * it when its holder dies, however that happens: nothing stale is ever left, no process id is guessed at.
 * @throws Error naming TASKLOOM_DATA_DIR when another process holds it.
 */
export const lockInstance = (dataDir: string): InstanceLock => {
  mkdirSync(dataDir, { recursive: true });
  const holder = join(dataDir, 'instance.pid');
  const database = new DatabaseSync(join(dataDir, 'instance.lock'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!/locked|busy/i.test((error as Error).message)) throw error;
    throw new Error(
      `Taskloom already runs on ${dataDir}${readHolder(holder)}: stop it first, or set TASKLOOM_DATA_DIR to another folder for a second one`,
      { cause: error },
    );
  }
  writeFileSync(holder, String(process.pid));
  return { release: () => database.close() };
};
