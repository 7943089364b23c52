import { Migration } from '@mikro-orm/migrations';
import { grantScope, isolate } from './rls.ts';

const TABLES = [
  // What a workspace may spend in a calendar month; a month's budget is made from it when its first call comes.
  `create table workspace_limits (
     workspace_id uuid primary key references workspaces,
     monthly_micros bigint check (monthly_micros >= 0),
     set_by uuid references users,
     updated_at timestamptz not null default now())`,
  `create table budgets (
     id uuid primary key default uuidv7(),
     workspace_id uuid not null references workspaces,
     scope text not null check (scope in ('run','month')),
     run_id uuid references runs,
     month date,
     limit_micros bigint not null check (limit_micros >= 0),
     spent_micros bigint not null default 0,
     reserved_micros bigint not null default 0 check (reserved_micros >= 0),
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     check ((scope = 'run') = (run_id is not null) and (scope = 'month') = (month is not null)))`,
  `create unique index budgets_of_run on budgets (run_id)`,
  `create unique index budgets_of_month on budgets (workspace_id, month)`,
  `create table budget_reservations (
     id uuid primary key,
     workspace_id uuid not null,
     run_id uuid not null references runs,
     step_path text not null,
     budget_ids uuid[] not null,
     amount_micros bigint not null,
     cost_micros bigint,
     state text not null default 'open' check (state in ('open','settled','in_doubt','released')),
     created_at timestamptz not null default now(),
     closed_at timestamptz)`,
  `create index budget_reservations_open on budget_reservations (run_id, step_path) where state = 'open'`,
  `alter table approval_decisions add column answer jsonb`,
];

export class Budgets extends Migration {
  override async up(): Promise<void> {
    const tables = ['workspace_limits', 'budgets', 'budget_reservations'];
    const scopes = [
      grantScope('budgets:read', `'admin', 'editor', 'viewer'`),
      grantScope('budgets:write', `'admin'`),
    ];
    for (const statement of [...TABLES, ...tables.flatMap((table) => isolate(table)), ...scopes])
      this.addSql(statement);
  }
}
