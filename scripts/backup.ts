import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnv } from '../platform/env.ts';
import { openSnapshot } from '../store/backup/snapshot.ts';
import { describeBackup } from './backup/describe.ts';
import { openExisting } from './backup/place.ts';
import { writeBackup } from './backup/write.ts';
import { createProgress } from './services/progress.ts';

const USAGE = `npm run backup -- [FILE] [--without-secret]

Writes the database as it is at this moment, the files and the master key into one archive. Everything may go on running.

  FILE              default: taskloom-<time>.tar.gz in the present folder
  --without-secret  leaves the master key out; a restore then needs it from elsewhere
`;

const defaultName = (): string =>
  `taskloom-${new Date()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-')}.tar.gz`;

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'without-secret': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || positionals.length > 1) return void process.stdout.write(USAGE);
  const file = resolve(positionals[0] ?? defaultName());
  if (existsSync(file)) throw new Error(`${file} exists already: choose another name.`);
  const withSecret = !values['without-secret'];
  const place = await openExisting(readEnv());
  try {
    const snapshot = await openSnapshot(place.urls.owner);
    try {
      const { dataDir, secretKey: masterKey } = place.config;
      const made = await createProgress().step('Backup', (progress) =>
        writeBackup({ snapshot, dataDir, masterKey, withSecret, file, progress }),
      );
      console.log(`Backup written: ${file}\n${describeBackup(made)}, ${made.bytes} bytes`);
    } finally {
      await snapshot.close();
    }
  } finally {
    await place.release();
  }
  if (withSecret)
    console.error(
      'Warning: it holds the master key. Whoever can read it can sign in as anybody: keep it as you keep passwords, or use --without-secret.',
    );
};

try {
  await main();
} catch (error) {
  console.error(`backup: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
