import { hostname } from 'node:os';
import { readEnv } from '../platform/env.ts';
import { openTemporalClient } from '../platform/temporal/connect.ts';
import { chooseQueues } from '../worker/queues.ts';

/**
 * `node scripts/health.ts api|worker`: the health check of a container, run inside it. The exit code is 0 when its API
 * answers, or when Temporal has lately been asked for work from this host on every queue that its worker serves.
 */

const USAGE = 'node scripts/health.ts api|worker';
/** A poll that finds nothing lasts a minute. */
const LATELY_MS = 120_000;
const TIMEOUT_MS = 4_000;
const ACTIVITIES = 2;

const checkApi = async (): Promise<void> => {
  const url = `http://127.0.0.1:${readEnv().port ?? 8080}/health`;
  const { status } = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (status !== 200) throw new Error(`${url} answers ${status}`);
};

const checkWorker = async (): Promise<void> => {
  const { queues, queuePrefix = '' } = readEnv();
  const client = openTemporalClient();
  const isOurs = (identity: string | null | undefined): boolean =>
    identity?.endsWith(`@${hostname()}`) ?? false;
  try {
    for (const queue of chooseQueues(queues ?? null)) {
      const { pollers } = await client.withDeadline(Date.now() + TIMEOUT_MS, () =>
        client.workflowService.describeTaskQueue({
          namespace: client.options.namespace,
          taskQueue: { name: queuePrefix + queue },
          taskQueueType: ACTIVITIES,
        }),
      );
      const last = Math.max(
        0,
        ...(pollers ?? [])
          .filter(({ identity }) => isOurs(identity))
          .map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000),
      );
      if (Date.now() - last > LATELY_MS) throw new Error(`nobody here asks for work of the queue ${queue}`);
    }
  } finally {
    await client.connection.close();
  }
};

const CHECKS: Readonly<Record<string, () => Promise<void>>> = { api: checkApi, worker: checkWorker };

try {
  const check = CHECKS[process.argv[2] ?? ''];
  if (!check) throw new Error(USAGE);
  await check();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
