import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnv } from '../platform/env.ts';
import { loadDatabase } from '../store/backup/load.ts';
import { describeBackup } from './backup/describe.ts';
import { openNew, placeKey } from './backup/place.ts';
import { unpackBackup, verifyBackup } from './backup/read.ts';
import { createProgress } from './services/progress.ts';

const USAGE = `npm run restore -- FILE

Puts a backup into a new place: the empty database that DATABASE_URL names, or an embedded one in a new TASKLOOM_DATA_DIR.
The archive is read to its end first; nothing is changed when it is damaged.
`;

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', default: false } },
  });
  if (values.help || positionals[0] === undefined || positionals.length > 1)
    return void process.stdout.write(USAGE);
  const file = resolve(positionals[0]);
  const progress = createProgress();
  const { manifest, secret } = await progress.step('Reading the backup', () => verifyBackup(file));
  const env = readEnv();
  const dataDir = resolve(env.dataDir ?? '.data');
  placeKey(env, manifest, secret, () => mkdirSync(dataDir, { recursive: true }));
  const place = await openNew(env);
  try {
    await progress.step('Restore', (detail) =>
      loadDatabase(place.urls, manifest, (loading) =>
        unpackBackup(file, join(dataDir, 'files'), loading, detail),
      ),
    );
  } finally {
    await place.release();
  }
  console.log(`Restored: ${describeBackup(manifest)}`);
  console.log(
    'Start it with an empty Temporal. Runs that were open go on from their stored steps within a minute; what waited for an approval asks for it again.',
  );
};

try {
  await main();
} catch (error) {
  console.error(`restore: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
