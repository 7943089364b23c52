import { hostname } from 'node:os';
import { createModels } from '../activities/models/registry.ts';
import { runProcess } from '../platform/process.ts';
import { missingSearchAttributes } from '../platform/temporal/check.ts';
import { openSpine } from '../store/spine.ts';
import { startMaintenance } from './maintenance.ts';
import { startReconciler } from './reconciler.ts';
import { forwardSdkLogs, startWorkers } from './workers.ts';

await runProcess('worker', async (parts) => {
  const { config, log, shutdown } = parts;
  const { store, system, client, reach } = await openSpine('worker', parts);
  forwardSdkLogs(log);
  const models = createModels(config, { log });
  shutdown.add('models', () => models.close());
  const reconciler = startReconciler({ system, store, client, log });
  shutdown.add('reconciler', () => reconciler.stop());
  const maintenance = startMaintenance({ system, log, retentionDays: config.eventRetentionDays });
  shutdown.add('maintenance', () => maintenance.stop());
  const workers = await startWorkers({
    deps: { store, models, log, reach, publicUrl: config.http.publicUrl },
    queuePrefix: config.temporal.queuePrefix,
    queues: config.temporal.queues,
    cacheDir: config.cacheDir,
    identity: `worker-${process.pid}@${hostname()}`,
    log,
  });
  shutdown.add('workers', () => workers.stop());
  void workers.ended.then(() => shutdown.run()).then(() => process.exit(1));
  void missingSearchAttributes(client).then(
    (missing) => missing && log.error(missing),
    (error: unknown) => log.warn({ err: error }, 'the search attributes could not be checked'),
  );
});
