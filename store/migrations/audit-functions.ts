/**
 * What an entry's hash covers: the JSON text of an array of texts, so that anybody can compute it again (domain/audit).
 * What a redaction removes has a hash of its own, salted, since an address or a name could be guessed from a bare one.
 */
export const ENTRY_HASHES = [
  `create function audit_sha256(p_fields json) returns text language sql immutable parallel safe
     return encode(sha256(convert_to(p_fields::text, 'UTF8')), 'hex')`,
  `create function audit_time(p_at timestamptz) returns text language sql stable parallel safe
     return to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  `create function audit_readable_hash(e audit) returns text language sql stable parallel safe
     return audit_sha256(json_build_array(e.salt::text, e.target_type, e.target_id, e.detail::text, e.client_address, e.user_agent))`,
  `create function audit_content_hash(e audit, p_readable_hash text) returns text language sql stable parallel safe
     return audit_sha256(json_build_array(e.id::text, e.workspace_id::text, e.actor_kind, e.actor_id::text, e.action, e.result,
       e.request_id, audit_time(e.at), p_readable_hash))`,
];

/**
 * The database itself hashes what is inserted: whoever adds an entry can't choose its hash. The same as
 * `audit_content_hash`, written out: every audited transaction pays for it.
 */
export const ENTRY_TRIGGER = [
  `create function hash_audit_entry() returns trigger language plpgsql as $$
   begin
     new.content_hash := encode(sha256(convert_to(json_build_array(new.id::text, new.workspace_id::text, new.actor_kind,
       new.actor_id::text, new.action, new.result, new.request_id, to_char(new.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       encode(sha256(convert_to(json_build_array(new.salt::text, new.target_type, new.target_id, new.detail::text,
         new.client_address, new.user_agent)::text, 'UTF8')), 'hex'))::text, 'UTF8')), 'hex');
     return new;
   end $$`,
  `create trigger hash_entry before insert on audit for each row execute function hash_audit_entry()`,
];

/**
 * Takes the readable part out of an entry of the transaction's own workspace; its hashes stay.
 * Answers whether there was such an entry. Redactions themselves can't be redacted: they say who did it.
 */
export const REDACT = `
create function redact_audit_entry(p_id bigint) returns boolean
language sql volatile security definer set search_path = public
begin atomic
  with redacted as (
    update audit e
       set readable_hash = audit_readable_hash(e), salt = null, target_type = null, target_id = null, detail = null,
           client_address = null, user_agent = null, redacted_at = now(), redacted_by = current_user_id()
     where e.id = p_id and e.workspace_id = current_workspace() and e.redacted_at is null and e.action <> 'audit.redact'
    returning 1)
  select exists (select 1 from redacted);
end`;

/** Replaces the one of the spine: entries carry where they came from and how it went. */
export const CONSEQUENCES_WITH_ORIGIN = `
create or replace function record_consequences(p_workspace uuid, p_events jsonb, p_outbox jsonb, p_audit jsonb, p_counts jsonb)
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
    insert into audit (workspace_id, actor_kind, actor_id, action, target_type, target_id, detail, result, request_id,
                       client_address, user_agent, content_hash)
    select p_workspace, actor_kind, actor_id, action, target_type, target_id, detail, coalesce(result, 'success'), request_id,
           client_address, user_agent, ''
      from jsonb_to_recordset(p_audit) as t(actor_kind text, actor_id uuid, action text, target_type text, target_id text,
             detail jsonb, result text, request_id text, client_address text, user_agent text);
  end if;
  if jsonb_array_length(p_counts) > 0 then
    insert into counters as c (workspace_id, kind, status, slot, n)
    select p_workspace, k->>'kind', k->>'status', (k->>'slot')::smallint, (k->>'by')::bigint
      from jsonb_array_elements(p_counts) as t(k) order by 2, 3, 4
    on conflict (workspace_id, kind, status, slot) do update set n = c.n + excluded.n;
  end if;
end $$`;
