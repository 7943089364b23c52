import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { hashPassword } from '../api/auth/passwords.ts';
import { loadConfig } from '../platform/config.ts';
import { requireRoleUrls } from '../store/setup/urls.ts';
import { addPerson, endSignIns, listPeople } from '../store/setup/people.ts';
import { openSystemStore, type SystemStore } from '../store/system.ts';

const USAGE = `npm run user -- add EMAIL [--name NAME] [--role admin|editor|viewer] [--workspace SLUG]   adds a person, and the workspace
npm run user -- revoke EMAIL    ends all of a person's sign-ins at once
npm run user -- disable EMAIL   the same, and lets them sign in no more
npm run user -- list            shows who there is

TASKLOOM_USER_PASSWORD gives a new person's password; one is made up and printed otherwise.`;

const add = async (
  system: SystemStore,
  email: string,
  options: { name?: string; role?: string; workspace?: string },
): Promise<string> => {
  const given = process.env['TASKLOOM_USER_PASSWORD'];
  const password = given ?? randomBytes(12).toString('base64url');
  const { created } = await addPerson(system, {
    email,
    displayName: options.name ?? email.split('@')[0] ?? email,
    passwordHash: await hashPassword(password),
    workspace: options.workspace ?? 'default',
    role: options.role ?? 'editor',
  });
  if (!created)
    return `${email} was known already: now also ${options.role ?? 'editor'} in ${options.workspace ?? 'default'}.`;
  return given ? `Added ${email}.` : `Added ${email} with the password ${password}`;
};

const end = async (system: SystemStore, email: string, disable: boolean): Promise<string> => {
  if (!(await endSignIns(system, email, disable))) throw new Error(`There is no ${email}.`);
  return disable ? `${email} is disabled.` : `All sign-ins of ${email} have ended.`;
};

const run = async (system: SystemStore): Promise<string> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { name: { type: 'string' }, role: { type: 'string' }, workspace: { type: 'string' } },
  });
  const [verb, email] = positionals;
  if (verb === 'list') {
    console.table(await listPeople(system));
    return '';
  }
  if (!email || !/^[^\s@]+@[^\s@]+$/.test(email)) return USAGE;
  if (verb === 'add') return add(system, email, values);
  if (verb === 'revoke' || verb === 'disable') return end(system, email, verb === 'disable');
  return USAGE;
};

const { system: url } = requireRoleUrls(loadConfig());
const system = openSystemStore(url, { name: 'taskloom-user', poolSize: 1 });
try {
  console.log(await run(system));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await system.close();
}
