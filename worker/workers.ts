import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { ActivityDeps } from '../activities/runtime.ts';
import type { Log } from '../platform/logger.ts';
import { temporalSettings } from '../platform/temporal/connect.ts';
import { CONCURRENCY } from '../workflows/queues.ts';
import { ensureBundle } from './bundle.ts';
import { chooseQueues } from './queues.ts';

const CONNECT_RETRY_MS = 1_000;

export interface WorkersOptions {
  readonly deps: ActivityDeps;
  readonly queuePrefix: string;
  /** Those that this process serves; `null` for all. */
  readonly queues: readonly string[] | null;
  readonly identity: string;
  /** Where bundled workflows are kept. */
  readonly cacheDir: string;
  readonly log: Log;
}

/** Only one queue has workflows, on purpose. */
const EXPECTED = /^No workflows registered/;

/** Sends the SDK's warnings to the process's own log. Once in a process, before the first worker. */
export const forwardSdkLogs = (log: Log): void => {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    if (EXPECTED.test(message)) return;
    log[level === 'ERROR' ? 'error' : 'warn']({ temporal: { ...meta, stack: undefined } }, message);
  });
  Runtime.install({ logger });
};

/** Connects, and keeps trying while the server is away: a worker may be started first. */
const connect = async (log: Log, isStopped: () => boolean): Promise<NativeConnection> => {
  const { connection } = temporalSettings();
  for (;;) {
    try {
      return await NativeConnection.connect(connection);
    } catch (error) {
      if (isStopped()) throw error;
      log.warn({ address: connection.address }, 'Temporal does not answer yet (TEMPORAL_ADDRESS)');
      await new Promise((resolve) => setTimeout(resolve, CONNECT_RETRY_MS));
    }
  }
};

/** Starts one Temporal worker per queue. @returns a promise that settles when one ended by itself, and a way to stop. */
export const startWorkers = async (
  options: WorkersOptions,
): Promise<{ ended: Promise<void>; stop(): Promise<void> }> => {
  const queues = chooseQueues(options.queues);
  let stopped = false;
  const [connection, codePath] = await Promise.all([
    connect(options.log, () => stopped),
    // Without the queue of workflows their bundle is not needed.
    queues.includes('control') ? ensureBundle(options.cacheDir) : '',
  ]);
  const activities = createActivities(options.deps);
  const workers = await Promise.all(
    queues.map((queue) =>
      Worker.create({
        connection,
        namespace: temporalSettings().namespace,
        identity: options.identity,
        taskQueue: options.queuePrefix + queue,
        activities: activities[queue],
        ...(queue === 'control' ? { workflowBundle: { codePath } } : {}),
        maxConcurrentActivityTaskExecutions: CONCURRENCY[queue],
        maxCachedWorkflows: 500,
        workflowThreadPoolSize: 1,
        maxHeartbeatThrottleInterval: '1s',
        defaultHeartbeatThrottleInterval: '1s',
        shutdownGraceTime: '5s',
        shutdownForceTime: '8s',
      }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  return {
    ended: Promise.race(running).then(() => {}),
    stop: async () => {
      stopped = true;
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(running);
      await connection.close();
    },
  };
};
