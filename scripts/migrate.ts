import { randomBytes } from 'node:crypto';
import { hashPassword } from '../api/auth/passwords.ts';
import { loadConfig, type Config } from '../platform/config.ts';
import { migrate, type DatabaseUrls } from '../store/setup/migrate.ts';
import { addPerson, countPeople } from '../store/setup/people.ts';
import { openSystemStore } from '../store/system.ts';

/**
 * `npm run migrate`: brings the database to the newest schema and, on the first run, makes an administrator. Prints one
 * line of JSON: how many migrations were applied, and the administrator's password if it was made up here.
 */

const DEFAULT_EMAIL = 'admin@localhost.localdomain';

const requireUrls = ({ database }: Config): DatabaseUrls => {
  const { owner, app, system } = database;
  if (!owner || !app || !system)
    throw new Error('DATABASE_URL is not set: it names the database and signs in as its owner.');
  return { owner, app, system };
};

const ensureAdministrator = async (config: Config, systemUrl: string) => {
  const system = openSystemStore(systemUrl, { name: 'taskloom-migrate', poolSize: 1 });
  try {
    if ((await countPeople(system)) > 0) return null;
    const email = config.admin.email ?? DEFAULT_EMAIL;
    const generated = config.admin.password === null ? randomBytes(12).toString('base64url') : null;
    const passwordHash = await hashPassword(generated ?? config.admin.password ?? '');
    await addPerson(system, {
      email,
      displayName: 'Administrator',
      passwordHash,
      workspace: config.siteWorkspace,
      role: 'admin',
    });
    return generated === null ? null : { email, password: generated };
  } finally {
    await system.close();
  }
};

try {
  const config = loadConfig();
  const urls = requireUrls(config);
  const applied = await migrate(urls);
  const admin = await ensureAdministrator(config, urls.system);
  console.log(JSON.stringify({ applied: applied.length, admin }));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
