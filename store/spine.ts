import type { Client } from '@temporalio/client';
import { createCrashPoints, type ReachCrashPoint } from '../platform/crash-points.ts';
import type { ProcessParts } from '../platform/process.ts';
import { openTemporalClient } from '../platform/temporal/connect.ts';
import { Dispatcher } from '../platform/temporal/dispatcher.ts';
import { openAdministration, type Administration } from './administration.ts';
import { whileDatabaseAway } from './availability.ts';
import type { Committed } from './consequences.ts';
import { LiveBus } from './live/bus.ts';
import { Sequencer } from './live/sequencer.ts';
import { createOutbox } from './outbox/outbox.ts';
import { LogLevel } from './settings/log-level.ts';
import { requireMigrated } from './setup/check.ts';
import { requireRoleUrls } from './setup/urls.ts';
import { openStore, type Store } from './store.ts';
import { openSystemStore, type SystemStore } from './system.ts';

const STARTUP_PATIENCE_MS = 60_000;

/** What every process has: the store, and what carries its consequences to Temporal and to those who watch. */
export interface Spine {
  readonly store: Store;
  readonly system: SystemStore;
  readonly administration: Administration;
  readonly bus: LiveBus;
  readonly client: Client;
  readonly reach: ReachCrashPoint;
  readonly logLevel: LogLevel;
}

/**
 * Opens the spine and registers how to close it. Any process may be the one that sequences events and delivers the
 * outbox: the one that commits does it at once, the others take over what it leaves.
 * @throws Error that says what to configure or to run.
 */
export const openSpine = async (name: string, { config, log, shutdown }: ProcessParts): Promise<Spine> => {
  const urls = requireRoleUrls(config);
  const store = await openStore(urls.app, { name: `taskloom-${name}`, poolSize: 16 });
  shutdown.add('store', () => store.close());
  // A database that is starting or recovering is waited for; the supervisor's patience is for real failures.
  await whileDatabaseAway(AbortSignal.timeout(STARTUP_PATIENCE_MS), () => requireMigrated(store.pool));
  const system = openSystemStore(urls.system, { name: `taskloom-${name}-system` });
  shutdown.add('system store', () => system.close());
  const administration = openAdministration(urls.system, { name: `taskloom-${name}-admin`, max: 4 });
  shutdown.add('administration', () => administration.close());
  const bus = new LiveBus(urls.app);
  await bus.open();
  shutdown.add('live bus', () => bus.close());
  const logLevel = new LogLevel(store, bus, log);
  shutdown.add('log level', async () => logLevel.close());
  await logLevel.refresh();
  const sequencer = new Sequencer(system, bus);
  shutdown.add('sequencer', () => sequencer.stop());
  const client = openTemporalClient();
  shutdown.add('temporal', () => client.connection.close());
  const reach = createCrashPoints(config);
  const { queuePrefix } = config.temporal;
  const relay = openSystemStore(urls.system, { name: `taskloom-${name}-relay`, poolSize: 3, durable: false });
  shutdown.add('relay', () => relay.close());
  const dispatcher = new Dispatcher(createOutbox(relay), client, { queuePrefix, log, reach });
  shutdown.add('dispatcher', () => dispatcher.stop());
  const follow = ({ streams, cancelled, outbox }: Committed): void => {
    if (streams.length > 0) {
      bus.hint('taskloom_streams', streams);
      sequencer.wake();
    }
    if (cancelled.length > 0) bus.hint('taskloom_cancelled', cancelled);
    if (outbox) dispatcher.wake();
  };
  store.onCommit(follow);
  administration.onCommit(follow);
  sequencer.start();
  dispatcher.start();
  return { store, system, administration, bus, client, reach, logLevel };
};
