import { hostname, setPriority } from 'node:os';
import { createCancellations } from '../activities/runs/cancellations.ts';
import { openVendors } from '../activities/vendors.ts';
import { modelSettings } from '../domain/models/price.ts';
import { runProcess } from '../platform/process.ts';
import { missingSearchAttributes } from '../platform/temporal/check.ts';
import { Sealer } from '../store/audit/sealer.ts';
import { createWebhookSender } from '../platform/webhook-sender.ts';
import { openSpine } from '../store/spine.ts';
import { startCatalogue } from './catalogue.ts';
import { startMaintenance } from './maintenance.ts';
import { startReconciler } from './reconciler.ts';
import { startWebhookWaker } from './webhooks.ts';
import { forwardSdkLogs, startWorkers } from './workers.ts';

/** Where API, database and worker share a machine, people who wait for an answer come before work in the background. */
const BACKGROUND = 5;

await runProcess('worker', async (parts) => {
  setPriority(BACKGROUND);
  const { config, log, shutdown } = parts;
  const { store, system, bus, client, reach } = await openSpine('worker', parts);
  const cancellations = createCancellations((listener) => bus.on('taskloom_cancelled', listener));
  forwardSdkLogs(log);
  const { vendors, close } = openVendors(config, log);
  shutdown.add('vendors', close);
  const { models } = vendors;
  const chosenId = models.status().find(({ chosen }) => chosen)?.id ?? null;
  const settings = modelSettings(config.models, chosenId);
  const catalogue = startCatalogue({ system, log, list: (signal) => models.list(signal), settings });
  shutdown.add('catalogue', () => catalogue.stop());
  const reconciler = startReconciler({ system, store, client, log });
  shutdown.add('reconciler', () => reconciler.stop());
  const maintenance = startMaintenance({ system, log, retentionDays: config.eventRetentionDays });
  shutdown.add('maintenance', () => maintenance.stop());
  const sealer = new Sealer(system, log);
  shutdown.add('sealer', () => sealer.stop());
  sealer.start();
  const waker = startWebhookWaker({ system, store, client, bus, log, publicUrl: config.http.publicUrl });
  shutdown.add('webhooks', () => waker.stop());
  const workers = await startWorkers({
    deps: {
      ...vendors,
      store,
      cancellations,
      log,
      reach,
      publicUrl: config.http.publicUrl,
      webhooks: { sender: createWebhookSender(config), timeScale: config.webhooks.timeScale },
    },
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
