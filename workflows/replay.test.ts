import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { loadConfig } from '../platform/config.ts';
import { ensureBundle } from '../worker/bundle.ts';

const FOLDER = fileURLToPath(new URL('../test/histories', import.meta.url));

Runtime.install({ logger: new DefaultLogger('ERROR') });

/**
 * Runs that were recorded when their release was made. They are never recorded again: a change that one of them does not
 * survive would break the runs that are under way when it is deployed.
 */
describe('the workflows of today replay', () => {
  test.each(readdirSync(FOLDER).filter((file) => file.endsWith('.json')))('%s', async (file) => {
    const codePath = await ensureBundle(loadConfig().cacheDir);
    const history: unknown = JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8'));
    await expect(Worker.runReplayHistory({ workflowBundle: { codePath } }, history)).resolves.toBeUndefined();
  });
});
