import { sql } from '../sql.ts';
import type { SystemStore } from '../system.ts';

export interface NewPerson {
  readonly email: string;
  readonly displayName: string;
  /** argon2id. */
  readonly passwordHash: string;
  /** The workspace's slug; made when there is none. */
  readonly workspace: string;
  readonly role: string;
}

/** Adds a person to a workspace, both as needed. An existing person keeps their password and joins. @throws Error on an unknown role. */
export const addPerson = (
  system: SystemStore,
  person: NewPerson,
): Promise<{ userId: string; workspaceId: string; created: boolean }> =>
  system.transaction(async (db) => {
    const [role] = await db.many<{ id: string }>(sql`select id from roles where name = ${person.role}`);
    if (!role) throw new Error(`There is no role "${person.role}".`);
    await db.run(
      sql`insert into workspaces (slug, name) values (${person.workspace}, ${person.workspace}) on conflict (slug) do nothing`,
    );
    const [workspace] = await db.many<{ id: string }>(
      sql`select id from workspaces where slug = ${person.workspace}`,
    );
    const [inserted] = await db.many<{ id: string }>(
      sql`insert into users (email, username, display_name, password_hash)
          values (${person.email.toLowerCase()}, username_for(${person.email}, (random() * 1e9)::bigint), ${person.displayName}, ${person.passwordHash})
          on conflict (email) do nothing returning id`,
    );
    const [user] = inserted
      ? [inserted]
      : await db.many<{ id: string }>(sql`select id from users where email = ${person.email.toLowerCase()}`);
    if (!workspace || !user) throw new Error('the rows that were just written are not there');
    await db.run(
      sql`insert into memberships (workspace_id, user_id, role_id) values (${workspace.id}, ${user.id}, ${role.id})
          on conflict (workspace_id, user_id) do update set role_id = excluded.role_id`,
    );
    await db.run(
      sql`insert into audit (workspace_id, actor_kind, action, target_type, target_id, detail, content_hash)
          values (${workspace.id}, 'operator', 'person.add', 'user', ${user.id},
                  jsonb_build_object('role', ${person.role}::text, 'email', ${person.email.toLowerCase()}::text), '')`,
    );
    await db.run(sql`select pg_notify('taskloom_identity', '')`);
    return { userId: user.id, workspaceId: workspace.id, created: inserted !== undefined };
  });

export const countPeople = async (system: SystemStore): Promise<number> =>
  (await system.maybe<{ n: number }>(sql`select count(*) as n from users`))?.n ?? 0;

/** Ends all of a person's sign-ins, and with `disable` lets them have no more; their sockets close at once. @returns whether they exist. */
export const endSignIns = (system: SystemStore, email: string, disable: boolean): Promise<boolean> =>
  system.transaction(async (db) => {
    const [user] = await db.many<{ id: string }>(
      sql`update users set disabled_at = case when ${disable} then now() else disabled_at end, updated_at = now()
           where email = ${email.toLowerCase()} returning id`,
    );
    if (!user) return false;
    await db.run(
      sql`update sign_ins set revoked_at = now() where user_id = ${user.id} and revoked_at is null`,
    );
    await db.run(sql`select pg_notify('taskloom_identity', '')`);
    return true;
  });

export interface PersonRow {
  readonly email: string;
  readonly display_name: string;
  readonly workspace: string;
  readonly role: string;
  readonly disabled: boolean;
}

export const listPeople = (system: SystemStore): Promise<PersonRow[]> =>
  system.many<PersonRow>(
    sql`select u.email, u.display_name, w.slug as workspace, r.name as role, u.disabled_at is not null as disabled
          from users u join memberships m on m.user_id = u.id join workspaces w on w.id = m.workspace_id join roles r on r.id = m.role_id
         order by u.email, w.slug`,
  );
