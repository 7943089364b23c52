import type { Config } from '../../platform/config.ts';

/** The connections of the two roles. @throws Error that says which settings to give. */
export const requireRoleUrls = (config: Pick<Config, 'database'>): { app: string; system: string } => {
  const { app, system } = config.database;
  if (app === null || system === null)
    throw new Error(
      'No database is configured: set DATABASE_URL (or TASKLOOM_DATABASE_APP_URL and TASKLOOM_DATABASE_SYSTEM_URL), or use `npm start`, which brings its own.',
    );
  return { app, system };
};
