import type { Log } from './logger.ts';

const WATCHDOG_MS = 12_000;

/** Runs its steps in reverse order of their registration, once, whoever asks and however often. */
export class Shutdown {
  readonly #steps: { name: string; run: () => Promise<void> | void }[] = [];
  readonly #log: Log;
  #running: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  add(name: string, run: () => Promise<void> | void): void {
    this.#steps.push({ name, run });
  }

  run(): Promise<void> {
    return (this.#running ??= this.#runSteps());
  }

  async #runSteps(): Promise<void> {
    for (const step of this.#steps.toReversed()) {
      try {
        await step.run();
      } catch (error) {
        this.#log.warn({ err: error, step: step.name }, 'a step of the shutdown failed');
      }
    }
  }

  /** Ends the process on SIGTERM and SIGINT; what hangs is cut off by a watchdog. */
  onSignals(): void {
    const stop = (signal: string): void => {
      this.#log.info({ signal }, 'stopping');
      setTimeout(() => process.exit(1), WATCHDOG_MS).unref();
      void this.run().then(() => process.exit(0));
    };
    process.once('SIGTERM', () => stop('SIGTERM'));
    process.once('SIGINT', () => stop('SIGINT'));
    // A parent that died can't send a signal: its closed channel says so.
    process.once('disconnect', () => stop('the parent process ended'));
  }
}
