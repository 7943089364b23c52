import { Migration } from '@mikro-orm/migrations';
import { isolate } from './rls.ts';

const RUNS = [
  `create table runs (
     id uuid primary key,
     workspace_id uuid not null references workspaces,
     kind text not null,
     subject_type text not null,
     subject_id uuid not null,
     owner_id uuid references users,
     parent_id uuid references runs,
     attempt integer not null default 1,
     status text not null check (status in ('queued','running','waiting','paused','completed','failed','cancelled')),
     paused_from text,
     progress smallint not null default 0 check (progress between 0 and 100),
     current_step text,
     input jsonb not null,
     output jsonb,
     error jsonb,
     tokens_in bigint not null default 0,
     tokens_out bigint not null default 0,
     cost_micros bigint not null default 0,
     cost_complete boolean not null default true,
     in_doubt integer not null default 0,
     version integer not null default 1,
     trace_id text,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     started_at timestamptz,
     finished_at timestamptz)`,
  // One live run for one subject, whoever asks, in whatever process.
  `create unique index runs_one_live on runs (subject_type, subject_id)
     where status in ('queued','running','waiting','paused')`,
  `create index runs_newest on runs (workspace_id, created_at desc, id desc)`,
  `create index runs_by_status on runs (workspace_id, status, created_at desc, id desc)`,
  `create index runs_by_kind on runs (workspace_id, kind, created_at desc, id desc)`,
  `create index runs_of_subject on runs (subject_type, subject_id, created_at desc)`,
  `create index runs_live on runs (updated_at) where status in ('queued','running','waiting','paused')`,
  `create table run_transitions (
     run_id uuid not null references runs,
     workspace_id uuid not null,
     key text not null,
     result jsonb not null,
     at timestamptz not null default now(),
     primary key (run_id, key))`,
  `create table run_steps (
     run_id uuid not null references runs,
     workspace_id uuid not null,
     path text not null,
     digest text not null,
     attempt integer not null,
     status text not null check (status in ('started','completed','failed')),
     result jsonb,
     error jsonb,
     calls integer not null default 1,
     in_doubt integer not null default 0,
     tokens_in bigint not null default 0,
     tokens_out bigint not null default 0,
     cost_micros bigint not null default 0,
     started_at timestamptz not null default now(),
     finished_at timestamptz,
     primary key (run_id, path, digest))`,
  `create table usage_ledger (
     id bigint generated always as identity primary key,
     workspace_id uuid not null,
     run_id uuid not null references runs,
     step_path text not null,
     attempt integer not null,
     provider text not null,
     model text not null,
     tokens_in bigint not null default 0,
     tokens_out bigint not null default 0,
     tokens_cached bigint not null default 0,
     cost_micros bigint,
     latency_ms integer,
     in_doubt boolean not null default false,
     at timestamptz not null default now())`,
  `create index usage_ledger_run on usage_ledger (run_id)`,
];

const LOG = [
  `create table streams (
     stream text primary key,
     workspace_id uuid not null,
     last_seq bigint not null)`,
  `create table events (
     id bigint generated always as identity,
     stream text not null,
     seq bigint not null,
     pos bigint,
     type text not null,
     payload jsonb not null,
     workspace_id uuid not null,
     at timestamptz not null default now(),
     primary key (id, at)) partition by range (at)`,
  `create index events_of_stream on events (stream, seq)`,
  `create index events_by_pos on events (workspace_id, pos) where pos is not null`,
  `create index events_unstamped on events (id) where pos is null`,
  `create table events_default partition of events default`,
  // The sequencer's memory: the last position given out, and the highest one that retention has removed.
  `create table event_log (
     only_row boolean primary key default true check (only_row),
     last_pos bigint not null default 0,
     horizon_pos bigint not null default 0)`,
  `insert into event_log default values`,
  `create unlogged table deltas (
     id bigint generated always as identity primary key,
     workspace_id uuid not null,
     run_id uuid not null,
     step text not null,
     attempt integer not null,
     part integer not null,
     text text not null)`,
  `create index deltas_of_run on deltas (run_id, id)`,
  `create table outbox (
     id bigint generated always as identity primary key,
     workspace_id uuid not null,
     workflow_id text not null,
     kind text not null check (kind in ('start','signal','cancel')),
     payload jsonb not null,
     tries integer not null default 0,
     leased_until timestamptz not null default '-infinity',
     last_error text,
     created_at timestamptz not null default now())`,
  `create index outbox_of_workflow on outbox (workflow_id, id)`,
  `create index outbox_due on outbox (leased_until, id)`,
  `create table audit (
     id bigint generated always as identity primary key,
     workspace_id uuid not null,
     actor_kind text not null,
     actor_id uuid,
     action text not null,
     target_type text not null,
     target_id text not null,
     detail jsonb not null,
     content_hash text not null,
     request_id text,
     at timestamptz not null default now())`,
  `create index audit_newest on audit (workspace_id, at desc, id desc)`,
  `create index audit_of_target on audit (target_type, target_id, id)`,
  // Totals by status without counting rows; several slots per total, so that writers rarely meet.
  `create table counters (
     workspace_id uuid not null,
     kind text not null,
     status text not null,
     slot smallint not null,
     n bigint not null,
     primary key (workspace_id, kind, status, slot))`,
  `create table idempotency_keys (
     principal_id uuid not null,
     workspace_id uuid not null,
     method text not null,
     path text not null,
     key text not null,
     request_hash text not null,
     status smallint,
     -- json, not jsonb: a replay is the answer as it was sent, in its order.
     answer json,
     created_at timestamptz not null default now(),
     primary key (principal_id, workspace_id, method, path, key))`,
  `create index idempotency_keys_age on idempotency_keys (created_at)`,
];

const APPROVALS = [
  `create table approvals (
     id uuid primary key,
     workspace_id uuid not null,
     kind text not null,
     run_id uuid not null references runs,
     attempt integer not null,
     step_path text not null,
     subject_type text not null,
     subject_id uuid not null,
     revision integer not null,
     status text not null default 'open'
       check (status in ('open','approved','rejected','changes_requested','expired','cancelled')),
     shown jsonb not null,
     answer_schema jsonb,
     policy jsonb not null,
     requested_by uuid,
     expires_at timestamptz,
     on_expiry text not null default 'reject' check (on_expiry in ('reject','approve')),
     feedback text,
     decided_by uuid,
     decided_at timestamptz,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     unique (run_id, attempt, step_path))`,
  `create unique index approvals_one_open on approvals (subject_type, subject_id) where status = 'open'`,
  `create index approvals_newest on approvals (workspace_id, created_at desc, id desc)`,
  `create index approvals_by_status on approvals (workspace_id, status, created_at desc, id desc)`,
  `create index approvals_of_run on approvals (run_id, created_at desc)`,
  `create table approval_decisions (
     id uuid primary key default uuidv7(),
     workspace_id uuid not null,
     approval_id uuid not null references approvals,
     revision integer not null,
     user_id uuid not null,
     decision text not null check (decision in ('approve','reject','request_changes')),
     comment text,
     edits jsonb,
     at timestamptz not null default now(),
     unique (approval_id, user_id, revision))`,
];

const WORKSPACE_TABLES = [
  'runs',
  'run_transitions',
  'run_steps',
  'usage_ledger',
  'streams',
  'events',
  'deltas',
  'outbox',
  'counters',
  'idempotency_keys',
  'approvals',
  'approval_decisions',
];

/**
 * The one way by which consequences enter: events (numbered without gaps under their stream's lock), outbox rows,
 * audit entries and counts of one transaction, in one round trip, just before it commits.
 * Streams are locked in name order, so that two transactions can't wait for each other.
 */
const CONSEQUENCES = `
create function record_consequences(p_workspace uuid, p_events jsonb, p_outbox jsonb, p_audit jsonb, p_counts jsonb)
returns void language plpgsql as $$
declare entry record;
begin
  for entry in
    select e->>'stream' as stream, count(*) as n, jsonb_agg(e order by ord) as items
      from jsonb_array_elements(p_events) with ordinality as t(e, ord) group by 1 order by 1
  loop
    insert into streams as s (stream, workspace_id, last_seq) values (entry.stream, p_workspace, entry.n)
      on conflict (stream) do update set last_seq = s.last_seq + excluded.last_seq;
    insert into events (stream, seq, type, payload, workspace_id)
    select entry.stream, s.last_seq - entry.n + i.ord, i.e->>'type', i.e->'payload', p_workspace
      from streams s, jsonb_array_elements(entry.items) with ordinality as i(e, ord)
     where s.stream = entry.stream order by i.ord;
  end loop;
  if jsonb_array_length(p_outbox) > 0 then
    insert into outbox (workspace_id, workflow_id, kind, payload)
    select p_workspace, o->>'workflow_id', o->>'kind', o->'payload'
      from jsonb_array_elements(p_outbox) with ordinality as t(o, ord) order by ord;
  end if;
  if jsonb_array_length(p_audit) > 0 then
    insert into audit (workspace_id, actor_kind, actor_id, action, target_type, target_id, detail, content_hash, request_id)
    select p_workspace, a->>'actor_kind', (a->>'actor_id')::uuid, a->>'action', a->>'target_type', a->>'target_id',
           a->'detail', encode(sha256(convert_to((a->'detail')::text, 'UTF8')), 'hex'), a->>'request_id'
      from jsonb_array_elements(p_audit) as t(a);
  end if;
  if jsonb_array_length(p_counts) > 0 then
    insert into counters as c (workspace_id, kind, status, slot, n)
    select p_workspace, k->>'kind', k->>'status', (k->>'slot')::smallint, (k->>'by')::bigint
      from jsonb_array_elements(p_counts) as t(k) order by 2, 3, 4
    on conflict (workspace_id, kind, status, slot) do update set n = c.n + excluded.n;
  end if;
end $$`;

/**
 * Days of the event log ahead of time, and the end of those beyond the retention. It needs the owner's rights on the table,
 * so it runs as its owner. A day whose events lie in the default partition already stays there.
 */
const PARTITIONS = `
create function keep_event_partitions(p_days integer) returns void language plpgsql security definer set search_path = public as $$
declare
  day date;
  part record;
  cutoff date := (now() at time zone 'UTC')::date - p_days;
begin
  perform pg_advisory_xact_lock(7205114003);
  for i in 0..7 loop
    day := (now() at time zone 'UTC')::date + i;
    if to_regclass('events_' || to_char(day, 'YYYYMMDD')) is null
       and not exists (select 1 from events_default where at >= day::timestamp at time zone 'UTC'
                                                      and at < (day + 1)::timestamp at time zone 'UTC') then
      execute format('create table %I partition of events for values from (%L) to (%L)', 'events_' || to_char(day, 'YYYYMMDD'),
                     day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end if;
  end loop;
  for part in select relname from pg_class where relname ~ '^events_[0-9]{8}$' and relkind = 'r'
                 and to_date(right(relname, 8), 'YYYYMMDD') < cutoff loop
    execute format('update event_log set horizon_pos = greatest(horizon_pos, coalesce((select max(pos) from %I), 0))', part.relname);
    execute format('drop table %I', part.relname);
  end loop;
  update event_log set horizon_pos = greatest(horizon_pos, coalesce(
    (select max(pos) from events_default where at < cutoff::timestamp at time zone 'UTC'), 0));
  delete from events_default where at < cutoff::timestamp at time zone 'UTC';
end $$`;

export class Spine extends Migration {
  override async up(): Promise<void> {
    const closed = [
      ...WORKSPACE_TABLES.flatMap((table) => isolate(table)),
      ...isolate('audit', 'select, insert'),
    ];
    const log = [
      `grant select on event_log to taskloom_app`,
      `grant select, update on event_log to taskloom_system`,
      `grant usage on all sequences in schema public to taskloom_app, taskloom_system`,
      CONSEQUENCES,
      PARTITIONS,
      `revoke all on function keep_event_partitions(integer) from public`,
      `grant execute on function keep_event_partitions(integer) to taskloom_system`,
    ];
    for (const statement of [...RUNS, ...LOG, ...APPROVALS, ...closed, ...log]) this.addSql(statement);
  }
}
