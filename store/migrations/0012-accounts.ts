import { Migration } from '@mikro-orm/migrations';
import { asSystem, grantScope, systemOnly } from './rls.ts';

const USERS = [
  `alter table users add column username text,
     add column avatar_url text,
     add column last_login_at timestamptz,
     add column password_changed_at timestamptz not null default now(),
     add column deleted_at timestamptz`,
  // Somebody who signs in elsewhere has none.
  `alter table users alter column password_hash drop not null`,
  // The part before the @, with the number where somebody has that already.
  `create function username_for(p_email text, p_number bigint) returns text language sql stable
     return (select case when exists (select 1 from users where username = base) then base || '-' || p_number else base end
               from (select left(regexp_replace(split_part(lower(p_email), '@', 1), '[^a-z0-9._-]', '-', 'g'), 40) as base) b)`,
  `do $$ declare u record; begin
     for u in select id, email, number from users order by number loop
       update users set username = username_for(u.email, u.number) where id = u.id;
     end loop; end $$`,
  `alter table users alter column username set not null,
     add constraint users_username unique (username),
     add constraint users_username_form check (username ~ '^[a-z0-9._-]{1,64}$')`,
  `create index users_newest on users (created_at desc, id desc) where deleted_at is null`,
  `alter table roles add column number bigint generated always as identity unique,
     add column description text not null default '',
     add column is_built_in boolean not null default false,
     add column updated_at timestamptz not null default now()`,
  `update roles set is_built_in = true where name in ('admin', 'editor', 'viewer')`,
  // How somebody came in, and from where.
  `alter table sign_ins add column method text not null default 'password', add column address text, add column user_agent text`,
];

const TREES = [
  `create table departments (
     id uuid primary key default uuidv7(),
     number bigint generated always as identity unique,
     parent_id uuid references departments,
     name text not null,
     leader text,
     phone text,
     email text,
     sort integer not null default 0,
     is_active boolean not null default true,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now())`,
  `create unique index departments_name on departments (coalesce(parent_id, '00000000-0000-0000-0000-000000000000'), lower(name))`,
  `alter table users add column department_id uuid references departments`,
  `create index users_department on users (department_id) where department_id is not null`,
  `create table menus (
     id uuid primary key default uuidv7(),
     number bigint generated always as identity unique,
     parent_id uuid references menus,
     title text not null,
     name text not null,
     kind text not null check (kind in ('directory', 'page', 'button')),
     path text,
     icon text,
     scope text,
     sort integer not null default 0,
     is_visible boolean not null default true,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now())`,
  `create unique index menus_name on menus (name)`,
  `create table role_menus (
     role_id uuid not null references roles on delete cascade,
     menu_id uuid not null references menus on delete cascade,
     primary key (role_id, menu_id))`,
  `create index role_menus_menu on role_menus (menu_id)`,
];

const TOKENS = [
  // A sign-in is a family of refresh tokens; only digests are kept.
  `create table refresh_tokens (
     digest bytea primary key,
     sign_in_id uuid not null references sign_ins on delete cascade,
     created_at timestamptz not null default now(),
     spent_at timestamptz)`,
  `create index refresh_tokens_of on refresh_tokens (sign_in_id)`,
  // Keys are derived from the master key by their name: nothing here is secret.
  `create table signing_keys (
     kid uuid primary key default uuidv7(),
     created_at timestamptz not null default now(),
     retired_at timestamptz)`,
  `insert into signing_keys default values`,
  `create table password_resets (
     digest bytea primary key,
     user_id uuid not null references users,
     created_at timestamptz not null default now(),
     expires_at timestamptz not null,
     used_at timestamptz)`,
  `create index password_resets_of on password_resets (user_id)`,
  `create table invitations (
     id uuid primary key default uuidv7(),
     digest bytea not null unique,
     email text,
     workspace_id uuid references workspaces,
     role_id uuid references roles,
     invited_by uuid not null references users,
     created_at timestamptz not null default now(),
     expires_at timestamptz not null,
     used_by uuid references users,
     revoked_at timestamptz)`,
];

const STATS = [`create index usage_ledger_newest on usage_ledger (at)`];

const FUNCTIONS = [
  `drop function sign_in_candidate(text)`,
  `drop function open_sign_in(uuid, text, integer)`,
  `drop function signed_in_principal(uuid)`,
  // The first workspace is the server's own: rights over the whole server count only for those who are signed in there.
  `create function signed_in_principal(p_sign_in uuid)
     returns table (user_id uuid, email text, display_name text, workspace_id uuid, workspace_slug text,
                    role text, scopes text[], is_home boolean)
     language sql stable security definer set search_path = public
     begin atomic
       select u.id, u.email, u.display_name, w.id, w.slug, r.name, r.scopes, w.number = 1
         from sign_ins s
         join users u on u.id = s.user_id and u.disabled_at is null
         join memberships m on m.user_id = u.id and m.workspace_id = s.workspace_id
         join workspaces w on w.id = s.workspace_id
         join roles r on r.id = m.role_id
        where s.id = p_sign_in and s.revoked_at is null and s.expires_at > now();
     end`,
  ...asSystem('signed_in_principal(uuid)'),
  `create function live_signing_keys() returns table (kid uuid, is_retired boolean)
     language sql stable security definer set search_path = public
     begin atomic
       select k.kid, k.retired_at is not null from signing_keys k
        where k.retired_at is null or k.retired_at > now() - interval '1 day' order by k.created_at desc;
     end`,
  ...asSystem('live_signing_keys()'),
];

const ADMIN = `'admin'`;
const SCOPES = ['users:read', 'users:write', 'roles:read', 'roles:write', 'stats:read'];

export class Accounts extends Migration {
  override async up(): Promise<void> {
    const closed = [
      'departments',
      'menus',
      'role_menus',
      'refresh_tokens',
      'signing_keys',
      'password_resets',
      'invitations',
    ];
    const statements = [
      ...USERS,
      ...TREES,
      ...TOKENS,
      ...STATS,
      ...closed.flatMap(systemOnly),
      ...FUNCTIONS,
      ...SCOPES.map((scope) => grantScope(scope, ADMIN)),
    ];
    for (const statement of statements) this.addSql(statement);
  }
}
