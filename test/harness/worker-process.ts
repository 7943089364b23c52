import { fileURLToPath } from 'node:url';
import { startNodeChild } from '../../scripts/services/node-child.ts';
import type { RunningService } from '../../scripts/services/processes.ts';
import { childEnv } from './child-env.ts';
import type { TestServer } from './server.ts';

export interface WorkerProcess extends RunningService {
  /** `kill -9`. Resolves when it is gone. */
  kill(): Promise<void>;
}

/**
 * A worker as `npm run worker` starts it, for the database and queues of a test server.
 * @param env the settings of its model, by their own names.
 */
export const startWorkerProcess = async (
  { config }: TestServer,
  env: Record<string, string>,
): Promise<WorkerProcess> => {
  const worker = await startNodeChild({
    name: 'worker',
    script: fileURLToPath(new URL('../../worker/main.ts', import.meta.url)),
    cwd: process.cwd(),
    env: {
      ...childEnv(config),
      TASKLOOM_RESEARCH: 'none',
      ...env,
    },
    onLine: () => {},
  });
  return {
    ...worker,
    kill: async () => {
      process.kill(worker.pid, 'SIGKILL');
      await worker.exited;
    },
  };
};
