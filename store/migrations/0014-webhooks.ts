import { Migration } from '@mikro-orm/migrations';
import { asSystem, grantScope, isolate } from './rls.ts';

const TABLES = [
  `create table webhook_endpoints (
     id uuid primary key,
     workspace_id uuid not null references workspaces,
     url text not null,
     description text,
     events text[] not null,
     active boolean not null,
     -- Each time that it becomes active another workflow carries it.
     generation integer not null default 1,
     disabled_reason text check (disabled_reason in ('by_hand','gone','failing')),
     -- Encrypted; the former one signs too until its time is over.
     secret text not null,
     former_secret text,
     former_until timestamptz,
     -- The position in the workspace's feed up to which events have become messages.
     cursor_pos bigint not null,
     last_success_at timestamptz,
     last_failure_at timestamptz,
     created_by uuid,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now())`,
  `create index webhook_endpoints_newest on webhook_endpoints (workspace_id, created_at desc, id desc)`,
  `create index webhook_endpoints_active on webhook_endpoints (id) where active`,
  // One event for one endpoint: its id is the same however often it is sent.
  `create table webhook_messages (
     id uuid primary key default uuidv7(),
     workspace_id uuid not null,
     endpoint_id uuid not null references webhook_endpoints on delete cascade,
     stream text not null,
     pos bigint,
     type text not null,
     body text not null,
     state text not null default 'pending' check (state in ('pending','delivered','given_up')),
     attempts integer not null default 0,
     failures integer not null default 0,
     first_at timestamptz,
     next_at timestamptz not null default now(),
     -- Somebody wants it sent again although it has come to its end.
     asked_at timestamptz,
     created_at timestamptz not null default now())`,
  `create unique index webhook_messages_once on webhook_messages (endpoint_id, pos)`,
  `create index webhook_messages_pending on webhook_messages (endpoint_id, stream, pos) where state = 'pending'`,
  `create index webhook_messages_due on webhook_messages (next_at) where state = 'pending'`,
  `create index webhook_messages_asked on webhook_messages (endpoint_id, asked_at) where asked_at is not null`,
  `create index webhook_messages_age on webhook_messages (created_at)`,
  `create table webhook_deliveries (
     id uuid primary key,
     workspace_id uuid not null,
     endpoint_id uuid not null references webhook_endpoints on delete cascade,
     message_id uuid not null references webhook_messages on delete cascade,
     attempt integer not null,
     state text not null default 'sending' check (state in ('sending','delivered','failed','given_up','unknown')),
     started_at timestamptz not null default now(),
     latency_ms integer,
     http_status smallint,
     error text,
     answer text,
     next_attempt_at timestamptz)`,
  `create index webhook_deliveries_newest on webhook_deliveries (endpoint_id, started_at desc, id desc)`,
  `create index webhook_deliveries_by_state on webhook_deliveries (endpoint_id, state, started_at desc, id desc)`,
  `create index webhook_deliveries_of_message on webhook_deliveries (message_id)`,
  `create table webhook_tokens (
     id uuid primary key,
     workspace_id uuid not null references workspaces,
     name text not null,
     token_hash text not null,
     created_by uuid,
     created_at timestamptz not null default now(),
     last_used_at timestamptz,
     revoked_at timestamptz)`,
  `create index webhook_tokens_newest on webhook_tokens (workspace_id, created_at desc, id desc)`,
  // What came from outside: kinds of waiting look here for what they wait for.
  `create table webhook_inbox (
     id uuid primary key,
     workspace_id uuid not null,
     token_id uuid not null references webhook_tokens,
     event_key text not null,
     event text not null,
     sent_at timestamptz not null,
     data jsonb not null,
     received_at timestamptz not null default now(),
     unique (token_id, event_key))`,
  `create index webhook_inbox_newest on webhook_inbox (workspace_id, event, received_at desc)`,
  `create index webhook_inbox_age on webhook_inbox (received_at)`,
];

const FUNCTIONS = [
  `create function webhook_token_by_id(p_token uuid)
     returns table (workspace_id uuid, token_hash text)
     language sql stable security definer set search_path = public
     begin atomic
       select t.workspace_id, t.token_hash from webhook_tokens t where t.id = p_token and t.revoked_at is null;
     end`,
  ...asSystem('webhook_token_by_id(uuid)'),
];

export class Webhooks extends Migration {
  override async up(): Promise<void> {
    const tables = [
      'webhook_endpoints',
      'webhook_messages',
      'webhook_deliveries',
      'webhook_tokens',
      'webhook_inbox',
    ];
    const scopes = [
      grantScope('webhooks:read', `'admin', 'editor'`),
      grantScope('webhooks:write', `'admin'`),
    ];
    for (const statement of [
      ...TABLES,
      ...tables.flatMap((table) => isolate(table)),
      ...FUNCTIONS,
      ...scopes,
    ])
      this.addSql(statement);
  }
}
