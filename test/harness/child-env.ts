import type { Config } from '../../platform/config.ts';

/** The environment of a process that works on the database and queues of a test server. */
export const childEnv = (config: Config): NodeJS.ProcessEnv => ({
  ...process.env,
  DATABASE_URL: config.database.owner ?? '',
  TASKLOOM_DATA_DIR: config.dataDir,
  TASKLOOM_QUEUE_PREFIX: config.temporal.queuePrefix,
  TASKLOOM_LOG_LEVEL: 'error',
  TASKLOOM_TRUSTED_PROXIES: config.http.trustedProxies.join(','),
  TASKLOOM_RATE_LIMITS: Object.entries(config.rates)
    .map(([name, { perMinute, perHour }]) => `${name}=${perMinute}/${perHour}`)
    .join(','),
});
