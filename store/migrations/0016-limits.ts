import { Migration } from '@mikro-orm/migrations';
import { BUCKETS_FUNCTION, FORGET_FUNCTION, SETTLE_FUNCTION, TAKE_FUNCTION } from './limits-functions.ts';
import { asSystem, grantScope } from './rls.ts';

const TABLES = [
  // What all API processes together have counted. A crash of the database may begin the windows anew.
  `create unlogged table rate_buckets (
     id text primary key,
     class text not null,
     user_id uuid,
     user_name text,
     minute_taken integer not null,
     minute_limit integer,
     minute_until timestamptz not null,
     hour_taken integer not null,
     hour_limit integer,
     hour_until timestamptz not null,
     refused bigint not null,
     last_at timestamptz not null default now())`,
  // Ids are keyed digests of an account, an address, or an address that was right about an account.
  `create table guess_counters (
     id text primary key,
     kind text not null,
     scope text not null check (scope in ('account','address','known')),
     failures integer not null default 0 check (failures >= 0),
     free integer not null,
     last_at timestamptz not null default now(),
     blocked_until timestamptz,
     forgotten_at timestamptz not null default now(),
     succeeded_at timestamptz)`,
];

/** Limits are the installation's: they belong to no workspace, and are seen from the one that it began with. */
const ROWS = [
  `create function is_first_workspace() returns boolean
     language sql stable security definer set search_path = public
     begin atomic
       select coalesce(current_workspace() = (select w.id from workspaces w order by w.number limit 1), false);
     end`,
  ...asSystem('is_first_workspace()'),
  ...['rate_buckets', 'guess_counters'].flatMap((table) => [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    `create policy operators on ${table} to taskloom_app
       using ((select is_first_workspace())) with check ((select is_first_workspace()))`,
    `create policy system on ${table} to taskloom_system using (true) with check (true)`,
    `grant select, insert, update, delete on ${table} to taskloom_system`,
  ]),
  `grant select, delete on rate_buckets to taskloom_app`,
  `grant select, update on guess_counters to taskloom_app`,
  `create view limited with (security_invoker = true) as
     select id, 'requests' as kind, class as counted, user_id, user_name, last_at, refused, minute_taken, minute_limit,
            minute_until, hour_taken, hour_limit, hour_until, null::integer as failures, null::integer as free,
            case when minute_taken >= minute_limit and minute_until > now()
                   then greatest(minute_until, case when hour_taken >= hour_limit and hour_until > now() then hour_until end)
                 when hour_taken >= hour_limit and hour_until > now() then hour_until end as blocked_until
       from rate_buckets
      where (minute_taken >= minute_limit * 0.8 and minute_until > now())
         or (hour_taken >= hour_limit * 0.8 and hour_until > now())
     union all
     select id, 'guesses', kind || '/' || scope, null, null, last_at, null, null, null, null, null, null, null, failures, free,
            case when blocked_until > now() then blocked_until end
       from guess_counters
      where failures >= free * 0.8 and forgotten_at > now()`,
  `grant select on limited to taskloom_app, taskloom_system`,
];

const FUNCTIONS = [
  BUCKETS_FUNCTION,
  ...asSystem('exchange_rate_buckets(jsonb)'),
  TAKE_FUNCTION,
  ...asSystem('take_guess(text, text, text, text, jsonb)'),
  SETTLE_FUNCTION,
  ...asSystem('settle_guess(text, text, text, text, jsonb, boolean)'),
  FORGET_FUNCTION,
  ...asSystem('forget_limits(bigint)'),
];

export class Limits extends Migration {
  override async up(): Promise<void> {
    const scopes = ['limits:read', 'limits:write'].map((scope) => grantScope(scope, `'admin'`));
    for (const statement of [...TABLES, ...ROWS, ...FUNCTIONS, ...scopes]) this.addSql(statement);
  }
}
