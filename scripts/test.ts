import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toConfig } from '../platform/config.ts';
import { readEnv } from '../platform/env.ts';
import { createTemplate } from '../test/harness/template.ts';
import { ensureBundle } from '../worker/bundle.ts';
import { startPostgres } from './services/postgres.ts';
import { createProgress } from './services/progress.ts';
import { resolveTemporalBinary, startTemporal } from './services/temporal.ts';
import { ensureWeights } from './services/weights.ts';

/**
 * `npm test [-- jest's arguments]`: starts a PostgreSQL and a Temporal server of its own, makes the template database
 * that test files clone, runs jest, and ends with the totals on a line of their own.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Totals {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

const runJest = (env: NodeJS.ProcessEnv, report: string): Promise<number> =>
  new Promise((resolve) => {
    const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
    const args = [
      '--experimental-vm-modules',
      '--no-warnings',
      jest,
      '--json',
      `--outputFile=${report}`,
      ...process.argv.slice(2),
    ];
    // Standard output is the report in JSON, which goes to the file as well.
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('exit', (code) => resolve(code ?? 1));
  });

const folder = mkdtempSync(join(tmpdir(), 'taskloom-test-'));
const stops: (() => Promise<unknown>)[] = [];
const progress = createProgress();
const log = (): void => {};

try {
  const config = toConfig({ ...readEnv(), dataDir: folder });
  const [postgres, temporal] = await Promise.all([
    // What a crash of the machine would cost does not matter here.
    startPostgres({ dataDir: folder, settings: { fsync: 'off', full_page_writes: 'off' }, log }),
    resolveTemporalBinary({ config, progress }).then((binary) =>
      startTemporal({ binary, dataDir: folder, headless: true, log }),
    ),
  ]);
  stops.push(
    () => postgres.stop(),
    () => temporal.stop(),
  );
  const secretKey = 'test-secret-key-test-secret-key-test';
  const templateUrl = await progress.step('template database', () => createTemplate(postgres.url, secretKey));
  await Promise.all([ensureBundle(config.cacheDir), ensureWeights({ config, progress })]);
  const report = join(folder, 'report.json');
  process.exitCode = await runJest(
    {
      ...process.env,
      TASKLOOM_TEST_TEMPLATE_URL: templateUrl,
      TASKLOOM_SECRET_KEY: secretKey,
      TASKLOOM_ENV: 'test',
      TASKLOOM_DATA_DIR: join(folder, 'data'),
      TEMPORAL_ADDRESS: temporal.address,
    },
    report,
  );
  const totals = JSON.parse(readFileSync(report, 'utf8')) as Totals;
  const failed = totals.numFailedTests + totals.numRuntimeErrorTestSuites;
  console.log(
    `${totals.numPassedTests} passed, ${failed} failed${totals.numPendingTests > 0 ? `, ${totals.numPendingTests} skipped` : ''}`,
  );
} finally {
  for (const stop of stops) await stop();
  rmSync(folder, { recursive: true, force: true });
}
