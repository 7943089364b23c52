import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { readEnv } from '../../platform/env.ts';
import { toConfig } from '../../platform/config.ts';
import { migrate } from '../../store/setup/migrate.ts';

const TEMPLATE = 'taskloom_template';

const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
};

const asOwner = async (url: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: withDatabase(url, 'postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
};

/** Makes a migrated database that each test file clones. @returns its URL, as the superuser. */
export const createTemplate = async (url: string, secretKey: string): Promise<string> => {
  await asOwner(url, `create database ${TEMPLATE}`);
  const template = withDatabase(url, TEMPLATE);
  const { database } = toConfig({ ...readEnv(), databaseUrl: template, secretKey, environment: 'test' });
  if (!database.owner || !database.app || !database.system) throw new Error('the template has no URLs');
  await migrate({ owner: database.owner, app: database.app, system: database.system });
  return template;
};

/** A database of one's own, made in a few milliseconds. @returns its URL as the superuser, and a way to drop it. */
export const cloneTemplate = async (): Promise<{ url: string; drop: () => Promise<void> }> => {
  const template = process.env['TASKLOOM_TEST_TEMPLATE_URL'];
  if (!template) throw new Error('Run the tests with `npm test`: it starts the servers that they need.');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asOwner(template, `create database ${name} template ${TEMPLATE}`);
  return {
    url: withDatabase(template, name),
    drop: () => asOwner(template, `drop database if exists ${name} with (force)`),
  };
};
