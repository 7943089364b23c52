import type { Log } from '../platform/logger.ts';
import { sweep } from '../store/live/retention.ts';
import type { SystemStore } from '../store/system.ts';

const EVERY_MS = 3_600_000;

/** Housekeeping once an hour, and at the start: partitions of the event log, expired rows. */
export const startMaintenance = (deps: {
  system: SystemStore;
  log: Log;
  retentionDays: number;
}): { stop(): Promise<void> } => {
  let working: Promise<unknown> = Promise.resolve();
  const run = (): void => {
    working = sweep(deps.system, deps.retentionDays).catch((error) =>
      deps.log.warn({ err: error }, 'housekeeping was not done; it is tried again in an hour'),
    );
  };
  run();
  const timer = setInterval(run, EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await working;
    },
  };
};
