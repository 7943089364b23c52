import { Migration } from '@mikro-orm/migrations';
import { systemOnly } from './rls.ts';

const TABLES = [
  // What the answer must be, bound to the id; a row is taken away by its first answer.
  `create table captchas (
     id uuid primary key,
     digest bytea not null,
     expires_at timestamptz not null)`,
  `create index captchas_over on captchas (expires_at)`,
  `create table totp_secrets (
     user_id uuid primary key references users,
     sealed text not null,
     -- The last time step whose code was taken: a code is good for one use.
     last_step bigint not null default 0,
     confirmed_at timestamptz,
     created_at timestamptz not null default now())`,
  `create table recovery_codes (
     digest bytea primary key,
     user_id uuid not null references users,
     created_at timestamptz not null default now())`,
  `create index recovery_codes_of on recovery_codes (user_id)`,
];

export class Factors extends Migration {
  override async up(): Promise<void> {
    const tables = ['captchas', 'totp_secrets', 'recovery_codes'];
    for (const statement of [...TABLES, ...tables.flatMap(systemOnly)]) this.addSql(statement);
  }
}
