import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import pg from 'pg';
import type { PartHandle } from '../child.ts';
import { wallClock } from '../stats.ts';
import type { FloorSettings } from './floor-server.ts';

const createFloorActivities = (pool: pg.Pool, begun: Map<string, number>) => ({
  /** Only says when it began. */
  nothing: async (id: string): Promise<void> => {
    begun.set(id, wallClock());
  },
  insert: async (id: string, step: number): Promise<void> => {
    if (step === 0) begun.set(id, wallClock());
    await pool.query('insert into floor_steps (id, step) values ($1, $2)', [id, step]);
  },
});

export type FloorActivities = ReturnType<typeof createFloorActivities>;

/** A bare worker on its own queue, with the same limits as ours. Answers when the activity of a workflow began. */
export const openFloorWorker = async (settings: FloorSettings): Promise<PartHandle> => {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: settings.poolSize });
  const connection = await NativeConnection.connect({
    address: settings.temporalAddress,
    grpcCompression: { codec: 'none' },
  });
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('floor-workflows.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
  const begun = new Map<string, number>();
  const worker = await Worker.create({
    connection,
    taskQueue: settings.queue,
    workflowBundle,
    activities: createFloorActivities(pool, begun),
    maxConcurrentActivityTaskExecutions: 40,
    maxCachedWorkflows: 500,
    workflowThreadPoolSize: 1,
    shutdownGraceTime: '1s',
    shutdownForceTime: '2s',
  });
  const running = worker.run();
  return {
    answer: ({ id }) => begun.get(String(id)) ?? null,
    close: async () => {
      worker.shutdown();
      await running;
      await connection.close();
      await pool.end();
    },
  };
};
