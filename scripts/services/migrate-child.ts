import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { readLines, whenExited } from './processes.ts';

export interface MigrationResult {
  readonly applied: number;
  /** The administrator whom this start created with a generated password. */
  readonly admin: { readonly email: string; readonly password: string } | null;
}

const parse = (line: string | undefined): MigrationResult => {
  try {
    const value = JSON.parse(line ?? '') as Partial<MigrationResult>;
    return { applied: value.applied ?? 0, admin: value.admin ?? null };
  } catch (error) {
    throw new Error(`scripts/migrate.ts printed no result, but: ${line ?? 'nothing'}`, { cause: error });
  }
};

/**
 * Brings the database up to date in a process of its own, whose last line is a JSON result.
 * @throws Error with the migration's last words.
 */
export const runMigrations = async (input: {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
}): Promise<MigrationResult> => {
  const child = spawn(process.execPath, [join(input.root, 'scripts', 'migrate.ts')], {
    cwd: input.root,
    env: input.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const results: string[] = [];
  const words: string[] = [];
  readLines([child.stdout], (line) => results.push(line));
  readLines([child.stderr], (line) => {
    words.push(line);
    input.log(line);
  });
  const exited = whenExited(child);
  const { code } = await exited;
  // 'exit' can come before the last output; 'close' comes after it.
  if (!child.stdout.readableEnded) await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0)
    throw new Error(
      `the database could not be brought up to date:\n${[...words, ...results].slice(-12).join('\n')}`,
    );
  return parse(results.findLast((line) => line.startsWith('{')) ?? results.at(-1));
};
