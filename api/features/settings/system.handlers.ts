import { logLevelWord, toLogLevel } from '../../../domain/settings/log-level.ts';
import { setLogLevel, type LogLevel } from '../../../store/settings/log-level.ts';
import { CONCURRENCY } from '../../../workflows/queues.ts';
import type { components } from '../../generated/openapi.d.ts';
import { defineHandlers } from '../../http/operation.ts';

export interface SystemSettingDeps {
  readonly logLevel: LogLevel;
  readonly environment: string;
  /** Whether this process holds its answers against the document. */
  readonly checksAnswers: boolean;
}

const MAX_WORKERS = Object.values(CONCURRENCY).reduce((sum, n) => sum + n, 0);

export const systemSettingHandlers = (deps: SystemSettingDeps) => {
  const view = (): components['schemas']['SystemSettings'] => ({
    debug_mode: deps.checksAnswers,
    log_level: logLevelWord(deps.logLevel.current),
    max_workers: MAX_WORKERS,
    environment: deps.environment,
  });
  return defineHandlers({
    getSystemSettings: async () => view(),

    setSystemSettings: async ({ body }, ctx) => {
      const level = body.log_level === null ? null : toLogLevel(body.log_level);
      await ctx.write((tx) => setLogLevel(tx, level));
      await deps.logLevel.changed();
      return view();
    },
  });
};
