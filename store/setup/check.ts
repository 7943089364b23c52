import { readdirSync } from 'node:fs';
import type pg from 'pg';
import { MIGRATIONS_FOLDER } from './migrate.ts';

const FILE = /^(\d{4}-[\w-]+)\.ts$/;

/** The names of this source tree's migrations, in their order. */
export const knownMigrations = (): string[] =>
  readdirSync(MIGRATIONS_FOLDER)
    .flatMap((file) => FILE.exec(file)?.[1] ?? [])
    .toSorted();

/**
 * Makes sure that the database has every migration of this source tree.
 * @throws Error that says what to run.
 */
export const requireMigrated = async (pool: pg.Pool): Promise<void> => {
  const { rows } = await pool
    .query<{ name: string }>('select name from migrations')
    // 42P01: the table is not there, so nothing has been applied.
    .catch((error: { code?: string }) => (error.code === '42P01' ? { rows: [] } : Promise.reject(error)));
  const missing = knownMigrations().filter((name) => !rows.some((row) => row.name === name));
  if (missing.length > 0)
    throw new Error(
      `The database lacks ${missing.join(', ')}: run \`npm run migrate\` with the owner's DATABASE_URL.`,
    );
};
