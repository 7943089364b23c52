import { wait, type Exit, type RunningService } from './processes.ts';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const HEALTHY_AFTER_MS = 60_000;

export interface Supervised<Service extends RunningService = RunningService> {
  readonly name: string;
  /** Starts it and resolves when it is ready; called again, with the same settings, after each crash. */
  start(): Promise<Service>;
}

export interface Supervisor {
  /** Starts a service and keeps it running. @throws what its first start throws; later failures are retried. */
  add<Service extends RunningService>(supervised: Supervised<Service>): Promise<Service>;
  /** Stops all in reverse order of their start; calling it again waits for the same end. */
  stopAll(): Promise<void>;
  readonly isStopping: boolean;
}

interface Entry {
  readonly supervised: Supervised;
  current: RunningService | null;
  /** The start or restart under way, which stopping has to wait for: it may still bring a process up. */
  starting: Promise<unknown> | null;
}

const describeExit = ({ code, signal }: Exit): string =>
  signal ? `by ${signal}` : `with code ${code ?? 'unknown'}`;

/** @returns the delay before the next restart: half a second, doubling to 30 s, back after a minute of health. */
export const nextDelayMs = (lastDelayMs: number | null, healthyMs: number): number =>
  lastDelayMs === null || healthyMs >= HEALTHY_AFTER_MS
    ? FIRST_DELAY_MS
    : Math.min(lastDelayMs * 2, LONGEST_DELAY_MS);

/**
 * Keeps services running: says when one ended by itself and starts it again, later each time.
 * @param report gets short lines for a person.
 */
export const createSupervisor = (report: (line: string) => void): Supervisor => {
  const entries: Entry[] = [];
  const halted = Promise.withResolvers<void>();
  let stopping: Promise<void> | null = null;

  const restart = async (entry: Entry, delayMs: number): Promise<void> => {
    for (let delay = delayMs; stopping === null; delay = nextDelayMs(delay, 0)) {
      await Promise.race([wait(delay), halted.promise]);
      if (stopping !== null) return;
      try {
        watch(entry, await entry.supervised.start(), delay);
        report(`${entry.supervised.name} runs again`);
        return;
      } catch (error) {
        const next = nextDelayMs(delay, 0) / 1000;
        report(
          `${entry.supervised.name} could not be restarted, trying again in ${next} s: ${(error as Error).message}`,
        );
      }
    }
  };

  const watch = (entry: Entry, service: RunningService, lastDelayMs: number | null): void => {
    entry.current = service;
    const since = Date.now();
    void service.exited.then((exit) => {
      if (entry.current === service) entry.current = null;
      if (stopping !== null) return;
      const delay = nextDelayMs(lastDelayMs, Date.now() - since);
      report(`${entry.supervised.name} ended ${describeExit(exit)}, restarting in ${delay / 1000} s`);
      entry.starting = restart(entry, delay).finally(() => (entry.starting = null));
    });
  };

  const stopEntries = async (): Promise<void> => {
    halted.resolve();
    for (const entry of entries.toReversed()) {
      await entry.starting?.catch(() => {});
      await entry.current?.stop();
    }
  };

  return {
    async add(supervised) {
      if (stopping !== null) throw new Error(`${supervised.name} was not started, as all is being stopped`);
      const starting = supervised.start();
      const entry: Entry = { supervised, current: null, starting };
      entries.push(entry);
      const service = await starting;
      entry.starting = null;
      watch(entry, service, null);
      return service;
    },
    stopAll: () => (stopping ??= Promise.resolve().then(stopEntries)),
    get isStopping() {
      return stopping !== null;
    },
  };
};

/**
 * Calls `stop` once at SIGINT, SIGTERM or SIGHUP. A terminal, npm and the launcher may each pass the same Ctrl-C on, so
 * only a signal at least a second later counts as impatience and calls `abort`.
 * @returns a function that takes the handlers away.
 */
export const onStopSignals = (stop: () => void, abort: () => void): (() => void) => {
  let firstAt: number | null = null;
  const handle = (): void => {
    if (firstAt === null) {
      firstAt = Date.now();
      stop();
    } else if (Date.now() - firstAt > 1_000) abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handle);
  return () => {
    for (const signal of signals) process.off(signal, handle);
  };
};
