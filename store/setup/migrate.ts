import { fileURLToPath } from 'node:url';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';

export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../migrations', import.meta.url));

/** What `migrate` needs: the owner's connection, and those of the two roles that it creates. */
export interface DatabaseUrls {
  readonly owner: string;
  readonly app: string;
  readonly system: string;
}

/** Creates the two roles, or gives them the passwords that the processes will use. */
const ensureRoles = async (owner: pg.Client, urls: DatabaseUrls): Promise<void> => {
  for (const [role, url] of [
    ['taskloom_app', urls.app],
    ['taskloom_system', urls.system],
  ] as const) {
    const { username, password } = new URL(url);
    if (username !== role)
      throw new Error(`The connection for ${role} must sign in as ${role}, but it signs in as ${username}`);
    const [found] = (
      await owner.query<{ mighty: boolean }>(
        'select rolsuper or rolbypassrls or rolcreatedb or rolcreaterole as mighty from pg_roles where rolname = $1',
        [role],
      )
    ).rows;
    const secret = owner.escapeLiteral(decodeURIComponent(password));
    const verb = found ? 'alter' : 'create';
    // An owner that is no superuser may not even name these rights for a role that lacks them.
    const rights = found?.mighty === false ? '' : 'nosuperuser nobypassrls nocreatedb nocreaterole';
    await owner.query(`${verb} role ${role} with login ${rights} password ${secret}`);
  }
  const { rows } = await owner.query<{ rolsuper: boolean }>(
    'select rolsuper from pg_roles where rolname = current_user',
  );
  if (!rows[0]?.rolsuper) await owner.query('grant taskloom_app, taskloom_system to current_user');
  await owner.query('grant usage on schema public to taskloom_app');
  // Owning the sign-in functions takes the right to create in their schema at that moment.
  await owner.query('grant usage, create on schema public to taskloom_system');
};

/** Two processes that migrate at once would both create the same tables: the second waits for the first. */
const MIGRATION_LOCK = 7_205_114_001;

/**
 * Brings the database to the newest schema; forward only, safe to repeat and to run twice at once.
 * @param to the last migration to apply, to load an older backup. @returns the names of the migrations that were applied now.
 */
export const migrate = async (urls: DatabaseUrls, to?: string): Promise<string[]> => {
  const owner = new pg.Client({ connectionString: urls.owner });
  await owner.connect();
  try {
    const { rows } = await owner.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    );
    if ((rows[0]?.version ?? 0) < 180_000)
      throw new Error('PostgreSQL 18 or newer is needed: DATABASE_URL names an older server');
    await owner.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await ensureRoles(owner, urls);
    const orm = await MikroORM.init({
      clientUrl: urls.owner,
      extensions: [Migrator],
      discovery: { warnWhenNoEntities: false },
      entities: [],
      logger: () => {},
      migrations: { path: MIGRATIONS_FOLDER, glob: '[0-9]*.ts', tableName: 'migrations', snapshot: false },
    });
    try {
      const applied = await orm.migrator.up(to === undefined ? {} : { to });
      // So that every process can say at its start what is missing.
      await owner.query('grant select on migrations to taskloom_app');
      return applied.map((migration) => migration.name);
    } finally {
      await owner.query('revoke create on schema public from taskloom_system');
      await orm.close();
    }
  } finally {
    await owner.end();
  }
};
