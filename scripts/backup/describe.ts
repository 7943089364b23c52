import type { Manifest } from './manifest.ts';

/** One line about what a backup holds. */
export const describeBackup = (manifest: Manifest): string => {
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
  return `${manifest.tables.length} tables, ${rows} rows, ${manifest.files.length} files, schema ${manifest.migrations.at(-1)}, made ${manifest.made_at} by Taskloom ${manifest.taskloom}`;
};
