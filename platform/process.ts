import { loadConfig, type Config } from './config.ts';
import { createLogger, type Log } from './logger.ts';
import { Shutdown } from './shutdown.ts';

export interface ProcessParts {
  readonly config: Config;
  readonly log: Log;
  readonly shutdown: Shutdown;
}

/**
 * Runs one of Taskloom's processes: reads its settings, ends it cleanly on a signal, and says in one line why it could not
 * start. `body` returns when the process is ready; its parent is told so.
 */
export const runProcess = async (
  name: string,
  body: (parts: ProcessParts) => Promise<void>,
): Promise<void> => {
  try {
    const config = loadConfig();
    const log = createLogger(name, config.logLevel);
    const shutdown = new Shutdown(log);
    shutdown.onSignals();
    await body({ config, log, shutdown });
    log.info('ready');
    process.send?.({ ready: true });
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
};
