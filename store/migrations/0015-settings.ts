import { Migration } from '@mikro-orm/migrations';
import { asSystem, grantScope, isolate } from './rls.ts';

const TABLES = [
  // What a workspace has chosen; without a row all is as it came. Its name stands in `workspaces`.
  `create table workspace_settings (
     workspace_id uuid primary key references workspaces,
     language text not null default 'en',
     time_zone text not null default 'UTC',
     theme text not null default 'auto' check (theme in ('light','dark','auto')),
     accent_color text check (accent_color ~ '^#[0-9a-f]{6}$'),
     updated_at timestamptz not null default now())`,
  // A secret has no value here but its sealed form, whose key lies outside the database.
  `create table settings (
     id uuid primary key default uuidv7(),
     workspace_id uuid not null references workspaces,
     key text not null check (length(key) between 1 and 100),
     type text not null check (type in ('string','int','bool','json')),
     is_secret boolean not null,
     value jsonb,
     sealed text,
     version integer not null default 1,
     created_by uuid references users,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     constraint settings_key unique (workspace_id, key),
     check ((value is null) = is_secret and (sealed is not null) = is_secret))`,
  `create index settings_newest on settings (workspace_id, created_at desc, id desc)`,
  // Of the installation, not of a workspace: what all processes go by. Who may change it is a question of scopes.
  `create table system_settings (
     name text primary key,
     value jsonb not null,
     updated_by uuid references users,
     updated_at timestamptz not null default now())`,
  // A key is 32 random bytes: nobody guesses those from a fast hash, so it needs no slow one.
  `create table api_keys (
     id uuid primary key default uuidv7(),
     workspace_id uuid not null references workspaces,
     user_id uuid not null references users,
     name text not null check (length(name) between 1 and 100),
     key_hash bytea not null unique check (length(key_hash) = 32),
     hint text not null check (length(hint) = 4),
     scopes text[] not null,
     created_at timestamptz not null default now(),
     expires_at timestamptz,
     last_used_at timestamptz,
     revoked_at timestamptz,
     revoked_by uuid references users)`,
  `create index api_keys_newest on api_keys (workspace_id, created_at desc, id desc) where revoked_at is null`,
];

const OPEN = [
  `alter table system_settings enable row level security`,
  `alter table system_settings force row level security`,
  `create policy everyone on system_settings to taskloom_app using (true) with check (true)`,
  `create policy system on system_settings to taskloom_system using (true) with check (true)`,
  `grant select, insert, update, delete on system_settings to taskloom_app, taskloom_system`,
  `create policy rename on workspaces for update to taskloom_app
     using (id = (select current_workspace())) with check (id = (select current_workspace()))`,
  `grant update (name) on workspaces to taskloom_app`,
  // The site shows its workspace's name, and looks as that workspace wants.
  `create policy site on workspaces for select to taskloom_app using (id = (select current_site()))`,
  `create policy site on workspace_settings for select to taskloom_app using (workspace_id = (select current_site()))`,
];

const FUNCTIONS = [
  `create function api_key_principal(p_hash bytea)
     returns table (key_id uuid, key_scopes text[], expires_at timestamptz, user_id uuid, email text, display_name text,
                    workspace_id uuid, workspace_slug text, role text, scopes text[], is_home boolean)
     language sql stable security definer set search_path = public
     begin atomic
       select k.id, k.scopes, k.expires_at, u.id, u.email, u.display_name, w.id, w.slug, r.name, r.scopes, w.number = 1
         from api_keys k
         join users u on u.id = k.user_id and u.disabled_at is null
         join memberships m on m.user_id = u.id and m.workspace_id = k.workspace_id
         join workspaces w on w.id = k.workspace_id
         join roles r on r.id = m.role_id
        where k.key_hash = p_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
     end`,
  ...asSystem('api_key_principal(bytea)'),
  `create function note_api_key_use(p_key uuid) returns void
     language sql volatile security definer set search_path = public
     begin atomic
       update api_keys set last_used_at = now()
        where id = p_key and (last_used_at is null or last_used_at < now() - interval '1 minute');
     end`,
  ...asSystem('note_api_key_use(uuid)'),
];

const SCOPES = [
  grantScope('settings:read', `'admin', 'editor', 'viewer'`),
  grantScope('settings:write', `'admin'`),
  grantScope('keys:write', `'admin', 'editor'`),
  grantScope('system:write', `'admin'`),
];

export class Settings extends Migration {
  override async up(): Promise<void> {
    const closed = [
      ...isolate('workspace_settings'),
      ...isolate('settings'),
      ...isolate('api_keys', 'select, insert, update'),
    ];
    for (const statement of [...TABLES, ...closed, ...OPEN, ...FUNCTIONS, ...SCOPES]) this.addSql(statement);
  }
}
