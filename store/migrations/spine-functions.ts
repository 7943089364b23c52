/**
 * The one way by which consequences enter: events (numbered without gaps under their stream's lock), outbox rows,
 * audit entries and counts of one transaction, in one round trip, just before it commits.
 * Streams are locked in name order, so that two transactions can't wait for each other.
 */
export const CONSEQUENCES = `
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
export const PARTITIONS = `
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
