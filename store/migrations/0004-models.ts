import { Migration } from '@mikro-orm/migrations';
import { asSystem, grantScope, isolate } from './rls.ts';

const TABLES = [
  // One catalogue for all workspaces: which models there are is a fact of the installation.
  `create table models (
     id text primary key,
     provider text not null,
     name text not null,
     title text not null,
     context_window bigint,
     max_output_tokens bigint,
     abilities text[] not null,
     quality text not null check (quality in ('demo','standard')),
     -- Micro-dollars per million tokens; null when nobody has configured them.
     input_price bigint,
     output_price bigint,
     price_source text,
     size_bytes bigint,
     parameters bigint,
     quantization text,
     available boolean not null,
     reason text,
     first_seen_at timestamptz not null default now(),
     last_seen_at timestamptz not null default now(),
     check ((input_price is null) = (output_price is null) and (input_price is null) = (price_source is null)),
     check (available = (reason is null)))`,
  `create index models_in_order on models (provider, id)`,
  `create index models_by_name on models (name)`,
  `create table model_selections (
     workspace_id uuid not null references workspaces,
     purpose text not null default 'writing',
     model_id text not null references models,
     selected_by uuid references users,
     at timestamptz not null default now(),
     primary key (workspace_id, purpose))`,
  // How fast a model was in its newest calls.
  `create index usage_ledger_speed on usage_ledger (workspace_id, provider, model, id desc)
     include (tokens_out, latency_ms) where latency_ms > 0 and tokens_out > 0`,
  `create index usage_ledger_recent on usage_ledger (provider, at)`,
];

const CATALOGUE_ACCESS = [
  `alter table models enable row level security`,
  `alter table models force row level security`,
  `create policy everyone on models for select to taskloom_app using (true)`,
  `create policy system on models to taskloom_system using (true) with check (true)`,
  `grant select on models to taskloom_app`,
  `grant select, insert, update, delete on models to taskloom_system`,
];

const FUNCTIONS = [
  // Over all workspaces, so it gives away nothing but the number.
  `create function model_calls_last_minute(p_provider text) returns bigint
     language sql stable security definer set search_path = public
     begin atomic
       select count(*) from usage_ledger u where u.provider = p_provider and u.at > now() - interval '1 minute';
     end`,
  ...asSystem('model_calls_last_minute(text)'),
];

export class Models extends Migration {
  override async up(): Promise<void> {
    const scopes = [
      grantScope('models:read', `'admin', 'editor', 'viewer'`),
      grantScope('models:write', `'admin', 'editor'`),
    ];
    for (const statement of [
      ...TABLES,
      ...CATALOGUE_ACCESS,
      ...isolate('model_selections', 'select, insert, update'),
      ...FUNCTIONS,
      ...scopes,
    ])
      this.addSql(statement);
  }
}
