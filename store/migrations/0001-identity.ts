import { Migration } from '@mikro-orm/migrations';
import { BUILT_IN_ROLES } from '../../domain/identity/principal.ts';
import { asSystem, isolate } from './rls.ts';

const SETTINGS = [
  `create function current_workspace() returns uuid language sql stable
     return nullif(current_setting('app.workspace', true), '')::uuid`,
  `create function current_user_id() returns uuid language sql stable
     return nullif(current_setting('app.user_id', true), '')::uuid`,
];

const TABLES = [
  `create table workspaces (
     id uuid primary key default uuidv7(),
     number bigint generated always as identity unique,
     slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
     name text not null,
     created_at timestamptz not null default now())`,
  `create table users (
     id uuid primary key default uuidv7(),
     number bigint generated always as identity unique,
     email text not null check (email = lower(email)),
     display_name text not null,
     password_hash text not null,
     disabled_at timestamptz,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     constraint users_email unique (email))`,
  `create table roles (
     id uuid primary key default uuidv7(),
     name text not null unique,
     scopes text[] not null,
     created_at timestamptz not null default now())`,
  `create table memberships (
     workspace_id uuid not null references workspaces,
     user_id uuid not null references users,
     role_id uuid not null references roles,
     created_at timestamptz not null default now(),
     primary key (workspace_id, user_id))`,
  `create index memberships_user on memberships (user_id, created_at)`,
  `create table sign_ins (
     id uuid primary key default uuidv7(),
     workspace_id uuid not null references workspaces,
     user_id uuid not null references users,
     created_at timestamptz not null default now(),
     expires_at timestamptz not null,
     revoked_at timestamptz)`,
  `create index sign_ins_user on sign_ins (user_id)`,
];

/** Users and workspaces have no workspace column: a person is seen by those who share a workspace with them. */
const PEOPLE = [
  ...['workspaces', 'users', 'roles'].flatMap((table) => [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    `create policy system on ${table} to taskloom_system using (true) with check (true)`,
    `grant select on ${table} to taskloom_app`,
    `grant select, insert, update, delete on ${table} to taskloom_system`,
  ]),
  `create policy own on workspaces for select to taskloom_app using (id = (select current_workspace()))`,
  `create policy fellows on users for select to taskloom_app using (exists (
     select 1 from memberships m where m.user_id = users.id and m.workspace_id = (select current_workspace())))`,
  `create policy everyone on roles for select to taskloom_app using (true)`,
  ...isolate('memberships', 'select'),
  ...isolate('sign_ins', 'select'),
];

const FUNCTIONS = [
  `create function sign_in_candidate(p_email text)
     returns table (user_id uuid, password_hash text, disabled boolean)
     language sql stable security definer set search_path = public
     begin atomic
       select u.id, u.password_hash, u.disabled_at is not null from users u where u.email = lower(p_email);
     end`,
  ...asSystem('sign_in_candidate(text)'),
  // A null slug means the workspace that the person joined first.
  `create function open_sign_in(p_user uuid, p_slug text, p_seconds integer)
     returns table (sign_in_id uuid)
     language sql volatile security definer set search_path = public
     begin atomic
       insert into sign_ins (workspace_id, user_id, expires_at)
       select m.workspace_id, m.user_id, now() + make_interval(secs => p_seconds)
         from memberships m join workspaces w on w.id = m.workspace_id
        where m.user_id = p_user and (p_slug is null or w.slug = p_slug)
        order by m.created_at limit 1
       returning id;
     end`,
  ...asSystem('open_sign_in(uuid, text, integer)'),
  `create function signed_in_principal(p_sign_in uuid)
     returns table (user_id uuid, email text, display_name text, workspace_id uuid, workspace_slug text,
                    role text, scopes text[], created_at timestamptz)
     language sql stable security definer set search_path = public
     begin atomic
       select u.id, u.email, u.display_name, w.id, w.slug, r.name, r.scopes, u.created_at
         from sign_ins s
         join users u on u.id = s.user_id and u.disabled_at is null
         join memberships m on m.user_id = u.id and m.workspace_id = s.workspace_id
         join workspaces w on w.id = s.workspace_id
         join roles r on r.id = m.role_id
        where s.id = p_sign_in and s.revoked_at is null and s.expires_at > now();
     end`,
  ...asSystem('signed_in_principal(uuid)'),
  `create function workspace_id_of(p_slug text) returns uuid
     language sql stable security definer set search_path = public
     begin atomic select w.id from workspaces w where w.slug = p_slug; end`,
  ...asSystem('workspace_id_of(text)'),
];

const quoted = (values: readonly string[]): string =>
  `array[${values.map((value) => `'${value}'`).join(', ')}]`;

export class Identity extends Migration {
  override async up(): Promise<void> {
    for (const statement of [...SETTINGS, ...TABLES, ...PEOPLE, ...FUNCTIONS]) this.addSql(statement);
    for (const [name, scopes] of Object.entries(BUILT_IN_ROLES))
      this.addSql(`insert into roles (name, scopes) values ('${name}', ${quoted(scopes)})`);
    this.addSql(`insert into workspaces (slug, name) values ('default', 'Default')`);
  }
}
