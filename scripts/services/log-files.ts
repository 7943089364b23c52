import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const LARGEST_BYTES = 20_000_000;
const WARNING_LEVEL = 40;

/**
 * Opens `<dataDir>/logs/<name>.log` for appending; one that grew large is kept as `<name>.1.log` first.
 * @returns a function that appends one line.
 */
export const openLog = (dataDir: string, name: string): ((line: string) => void) => {
  const directory = join(dataDir, 'logs');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${name}.log`);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LARGEST_BYTES)
    renameSync(path, join(directory, `${name}.1.log`));
  const stream = createWriteStream(path, { flags: 'a' });
  // A full disk must not end the launcher, which would take all the services with it.
  stream.on('error', () => {});
  return (line) => void stream.write(`${line}\n`);
};

/** What a person should see of one of our own JSON log lines: warnings and worse, in one line; else `null`. */
export const summarizeWarning = (line: string): string | null => {
  if (!line.startsWith('{')) return null;
  try {
    const record = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } };
    if (typeof record.level !== 'number' || record.level < WARNING_LEVEL) return null;
    const cause = typeof record.err?.message === 'string' ? record.err.message : '';
    const text = typeof record.msg === 'string' ? record.msg : '';
    return [text, text.includes(cause) ? '' : cause].filter(Boolean).join(': ') || line.slice(0, 300);
  } catch {
    return null;
  }
};

/** PostgreSQL's own words that need a person; errors of single statements are ordinary and stay in the file. */
export const isPostgresWarning = (line: string): boolean =>
  /(PANIC|WARNING): /.test(line) ||
  (/FATAL: /.test(line) && !/database system is|not yet accepting|terminating connection/.test(line));
