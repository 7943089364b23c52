import { hostname } from 'node:os';
import { loadConfig } from '../platform/config.ts';
import { createCrashPoints } from '../platform/crash-points.ts';
import { createLogger } from '../platform/logger.ts';
import { Shutdown } from '../platform/shutdown.ts';
import { openTemporalClient } from '../platform/temporal/connect.ts';
import { missingSearchAttributes } from '../platform/temporal/check.ts';
import { Dispatcher } from '../platform/temporal/dispatcher.ts';
import { createModels } from '../activities/models/registry.ts';
import { createOutbox } from '../store/outbox/outbox.ts';
import { LiveBus } from '../store/live/bus.ts';
import { Sequencer } from '../store/live/sequencer.ts';
import { requireMigrated } from '../store/setup/check.ts';
import { requireRoleUrls } from '../store/setup/urls.ts';
import { openStore } from '../store/store.ts';
import { openSystemStore } from '../store/system.ts';
import { startMaintenance } from './maintenance.ts';
import { startReconciler } from './reconciler.ts';
import { forwardSdkLogs, startWorkers } from './workers.ts';

const config = loadConfig();
const log = createLogger('worker', config.logLevel);
const shutdown = new Shutdown(log);
shutdown.onSignals();

const urls = requireRoleUrls(config);
const store = await openStore(urls.app, { name: 'taskloom-worker', poolSize: 12 });
shutdown.add('store', () => store.close());
await requireMigrated(store.pool);
const system = openSystemStore(urls.system, { name: 'taskloom-worker-system' });
shutdown.add('system store', () => system.close());
const bus = new LiveBus(urls.app);
await bus.open();
shutdown.add('live bus', () => bus.close());
const sequencer = new Sequencer(system, bus);
shutdown.add('sequencer', () => sequencer.stop());

const client = openTemporalClient();
const reach = createCrashPoints(config);
const dispatcher = new Dispatcher(createOutbox(system), client, {
  queuePrefix: config.temporal.queuePrefix,
  log,
  reach,
});
shutdown.add('dispatcher', () => dispatcher.stop());
store.onCommit(({ streams, outbox }) => {
  if (streams.length > 0) bus.hint('taskloom_streams', streams);
  if (outbox) dispatcher.wake();
});
dispatcher.start();

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
  cacheDir: config.cacheDir,
  identity: `worker-${process.pid}@${hostname()}`,
  log,
});
shutdown.add('workers', () => workers.stop());
void missingSearchAttributes(client).then(
  (missing) => missing && log.error(missing),
  (error: unknown) => log.warn({ err: error }, 'the search attributes could not be checked'),
);
log.info('ready');
process.send?.({ ready: true });
await workers.ended;
await shutdown.run();
