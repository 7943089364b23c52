import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';

/** Older calls say little about how fast a model is today. */
const NEWEST_CALLS = 200;

/**
 * How fast each model of the catalogue was in this workspace's newest calls.
 * @returns the median of output tokens per second by model id; a model that was never measured is absent
 */
export const readSpeeds = async (db: Pick<Reader, 'many'>): Promise<ReadonlyMap<string, number>> => {
  const rows = await db.many<{ id: string; speed: number }>(
    sql`select m.id, s.speed from models m
         cross join lateral (
           select percentile_cont(0.5) within group (order by c.tokens_out * 1000.0 / c.latency_ms)::float8 as speed
             from (select u.tokens_out, u.latency_ms from usage_ledger u
                    where u.provider = m.provider and u.model = m.name and u.latency_ms > 0 and u.tokens_out > 0
                    order by u.id desc limit ${NEWEST_CALLS}) as c) as s
         where s.speed is not null`,
  );
  return new Map(rows.map(({ id, speed }) => [id, speed]));
};
