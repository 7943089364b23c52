/**
 * Adds what one process has counted, and answers what all have, in one statement. Rows are taken in the order of their ids,
 * so that two processes can't wait for each other. Times travel as what is left of them: clocks may differ.
 */
export const BUCKETS_FUNCTION = `
create function exchange_rate_buckets(p_changes jsonb) returns table (shared jsonb)
language sql volatile security definer set search_path = public
begin atomic
  with merged as (
    insert into rate_buckets as b (id, class, user_id, user_name, minute_taken, minute_limit, minute_until,
                                   hour_taken, hour_limit, hour_until, refused)
    select c.id, c.class, c.user_id, c.user_name, c.minute_taken, c.minute_limit, now() + c.minute_ms * interval '1 ms',
           c.hour_taken, c.hour_limit, now() + c.hour_ms * interval '1 ms', c.refused
      from jsonb_to_recordset(p_changes) as c(id text, class text, user_id uuid, user_name text, refused integer, minute_taken integer,
                                              minute_limit integer, minute_ms bigint, hour_taken integer, hour_limit integer,
                                              hour_ms bigint)
     order by c.id
    on conflict (id) do update set
      minute_taken = excluded.minute_taken + case when b.minute_until > now() then b.minute_taken else 0 end,
      minute_until = case when b.minute_until > now() then b.minute_until else excluded.minute_until end,
      hour_taken = excluded.hour_taken + case when b.hour_until > now() then b.hour_taken else 0 end,
      hour_until = case when b.hour_until > now() then b.hour_until else excluded.hour_until end,
      refused = excluded.refused + case when b.hour_until > now() then b.refused else 0 end,
      minute_limit = coalesce(excluded.minute_limit, b.minute_limit), hour_limit = coalesce(excluded.hour_limit, b.hour_limit),
      user_name = excluded.user_name, last_at = now()
    returning *)
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', m.id,
           'minute', jsonb_build_object('taken', m.minute_taken,
                                        'ms', ceil(extract(epoch from m.minute_until - now()) * 1000)::bigint),
           'hour', jsonb_build_object('taken', m.hour_taken,
                                      'ms', ceil(extract(epoch from m.hour_until - now()) * 1000)::bigint))), '[]')
    from merged m;
end`;

/**
 * Takes one guess, counted as a failure until it is settled, or says how long to wait. Each guess holds the rows of its
 * address and of its account, in this order, so that of any number at once exactly as many pass as the rule says. Nobody
 * learns from it whether the account exists.
 */
export const TAKE_FUNCTION = `
create function take_guess(p_kind text, p_address text, p_account text, p_known text, p_rule jsonb)
returns table (wait_ms bigint) language plpgsql volatile security definer set search_path = public as $$
declare
  v_at timestamptz := clock_timestamp();
  v_known boolean := exists (select 1 from guess_counters g
    where g.id = p_known and g.succeeded_at > v_at - (p_rule->>'knownMs')::bigint * interval '1 ms');
  v_account text := case when v_known then p_known else p_account end;
  v_wait timestamptz;
begin
  -- Most refusals end here, without a lock.
  select max(g.blocked_until) into v_wait from guess_counters g where g.id in (p_address, v_account);
  if v_wait is null or v_wait <= v_at then
    insert into guess_counters as g (id, kind, scope, free)
    values (p_address, p_kind, 'address', (p_rule->>'freeOfAddress')::integer)
    on conflict (id) do update set free = excluded.free;
    if v_account is not null then
      insert into guess_counters as g (id, kind, scope, free)
      values (v_account, p_kind, case when v_known then 'known' else 'account' end, (p_rule->>'freeOfAccount')::integer)
      on conflict (id) do update set free = excluded.free;
    end if;
    v_at := clock_timestamp();
    select max(g.blocked_until) into v_wait from guess_counters g where g.id in (p_address, v_account);
  end if;
  if v_wait > v_at then
    return query select ceil(extract(epoch from v_wait - v_at) * 1000)::bigint;
    return;
  end if;
  update guess_counters g
     set failures = n.failures, last_at = v_at, blocked_until = n.blocked_until,
         forgotten_at = coalesce(n.blocked_until, v_at) + (p_rule->>'forgetMs')::bigint * interval '1 ms'
    from (select t.id, t.failures,
                 case when t.failures >= t.free then v_at + interval '1 ms' * least((p_rule->>'longestWaitMs')::double precision,
                      (p_rule->>'firstWaitMs')::double precision * 2 ^ least(t.failures - t.free, 40)) end as blocked_until
            from (select c.id, c.free, 1 + case when c.forgotten_at > v_at then c.failures else 0 end as failures
                    from guess_counters c where c.id in (p_address, v_account)) t) n
   where g.id = n.id;
  return query select 0::bigint;
end $$`;

/**
 * Takes back that a guess counted as a failure, because it was right or because nobody looked. If it was right, the account's
 * counter begins anew and the address is known for it; what the address failed at otherwise stays.
 */
export const SETTLE_FUNCTION = `
create function settle_guess(p_kind text, p_address text, p_account text, p_known text, p_rule jsonb, p_right boolean)
returns void language plpgsql volatile security definer set search_path = public as $$
declare
  v_at timestamptz := clock_timestamp();
  v_account text := p_account;
begin
  update guess_counters g set failures = greatest(g.failures - 1, 0),
         blocked_until = case when g.failures - 1 >= g.free then g.blocked_until end where g.id = p_address;
  if p_account is null then return; end if;
  if exists (select 1 from guess_counters g
              where g.id = p_known and g.succeeded_at > v_at - (p_rule->>'knownMs')::bigint * interval '1 ms') then
    v_account := p_known;
  end if;
  update guess_counters g set failures = case when p_right then 0 else greatest(g.failures - 1, 0) end,
         blocked_until = case when not p_right and g.failures - 1 >= g.free then g.blocked_until end where g.id = v_account;
  if p_right then
    insert into guess_counters as g (id, kind, scope, free, succeeded_at)
    values (p_known, p_kind, 'known', (p_rule->>'freeOfAccount')::integer, v_at)
    on conflict (id) do update set succeeded_at = v_at;
  end if;
end $$`;

/** Removes what says nothing any more. @param p_known_ms how long an address stays known for an account */
export const FORGET_FUNCTION = `
create function forget_limits(p_known_ms bigint) returns void
language sql volatile security definer set search_path = public
begin atomic
  delete from rate_buckets b where b.minute_until < now() and b.hour_until < now();
  delete from guess_counters g where g.forgotten_at < now()
     and coalesce(g.succeeded_at < now() - p_known_ms * interval '1 ms', true);
end`;
