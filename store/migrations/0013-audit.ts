import { Migration } from '@mikro-orm/migrations';
import { CONSEQUENCES_WITH_ORIGIN, ENTRY_HASHES, ENTRY_TRIGGER, REDACT } from './audit-functions.ts';
import { asSystem, grantScope } from './rls.ts';

const ENTRIES = [
  `alter table audit
     -- success or failure.
     add column result text not null default 'success',
     add column client_address text,
     add column user_agent text,
     add column salt uuid default gen_random_uuid(),
     -- Which seal covers it, and where in that seal's batch it stands.
     add column seal bigint,
     add column place integer,
     -- After a redaction: what was removed is known by this hash alone.
     add column readable_hash text,
     add column redacted_at timestamptz,
     add column redacted_by uuid,
     alter column target_type drop not null,
     alter column target_id drop not null,
     alter column detail drop not null`,
  // The only new one, since every audited transaction pays for each. It finds what is not sealed yet, and the entries of a seal.
  `create index audit_of_seal on audit (seal, id)`,
];

/** The chain over the entries of all workspaces. Each seal names its entries, in their order. */
const SEALS = [
  `create table audit_seals (
     number bigint primary key,
     previous_hash text not null,
     entries bigint[] not null,
     hash text not null,
     sealed_at timestamptz not null default now())`,
  `alter table audit_seals enable row level security`,
  `alter table audit_seals force row level security`,
  `create policy system on audit_seals to taskloom_system using (true) with check (true)`,
  `grant select, insert on audit_seals to taskloom_system`,
];

/**
 * Entries are for ever: both roles add them, at the time that it is, and not as sealed ones; the system's role seals and
 * redacts them, and can do nothing else to them.
 */
const RIGHTS = [
  `revoke insert, update, delete on audit from taskloom_app, taskloom_system`,
  `grant insert (workspace_id, actor_kind, actor_id, action, target_type, target_id, detail, result, request_id,
     client_address, user_agent, content_hash) on audit to taskloom_app, taskloom_system`,
  `grant update (seal, place, readable_hash, salt, target_type, target_id, detail, client_address, user_agent, redacted_at, redacted_by)
     on audit to taskloom_system`,
  ...asSystem('redact_audit_entry(bigint)'),
];

/** The entries of before were hashed over their detail alone. Nothing is sealed yet, so their hashes may still change. */
const REHASH = [
  `grant update (content_hash) on audit to taskloom_system`,
  // The owner is under row security too: as the system's role it sees every workspace.
  `set local role taskloom_system`,
  `update audit e set content_hash = audit_content_hash(e, audit_readable_hash(e))`,
  `reset role`,
  `revoke update (content_hash) on audit from taskloom_system`,
];

export class Audit extends Migration {
  override async up(): Promise<void> {
    const functions = [...ENTRY_HASHES, ...ENTRY_TRIGGER, REDACT, CONSEQUENCES_WITH_ORIGIN];
    for (const statement of [...ENTRIES, ...SEALS, ...functions, ...RIGHTS, ...REHASH])
      this.addSql(statement);
    for (const scope of ['audit:read', 'audit:redact']) this.addSql(grantScope(scope, `'admin'`));
  }
}
