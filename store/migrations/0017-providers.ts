import { Migration } from '@mikro-orm/migrations';
import { systemOnly } from './rls.ts';

const TABLES = [
  // A subject is one person only at its issuer: another issuer in the settings must not inherit the accounts of the last one.
  `create table identities (
     id uuid primary key default uuidv7(),
     user_id uuid not null references users,
     provider text not null check (provider in ('github', 'google', 'oidc')),
     issuer text not null,
     subject text not null,
     email text,
     email_verified boolean not null default false,
     created_at timestamptz not null default now(),
     last_used_at timestamptz not null default now(),
     constraint identities_subject unique (provider, issuer, subject))`,
  `create index identities_of on identities (user_id, created_at)`,
  // Sign-ins by others that were begun here: by digests of the state, and of what the browser that began it holds.
  `create table provider_flows (
     digest bytea primary key,
     provider text not null,
     browser_digest bytea not null,
     nonce text not null,
     verifier text not null,
     sign_in_id uuid references sign_ins on delete cascade,
     created_at timestamptz not null default now(),
     expires_at timestamptz not null)`,
  `create index provider_flows_over on provider_flows (expires_at)`,
  `create index provider_flows_of on provider_flows (sign_in_id) where sign_in_id is not null`,
];

export class Providers extends Migration {
  override async up(): Promise<void> {
    const statements = [...TABLES, ...['identities', 'provider_flows'].flatMap(systemOnly)];
    for (const statement of statements) this.addSql(statement);
  }
}
