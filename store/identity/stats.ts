import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';

/** What the server as a whole has and did today (UTC). */
export interface ServerStats {
  readonly users: number;
  readonly sessions: number;
  readonly active_sessions: number;
  readonly calls: number;
  /** Micro-dollars. */
  readonly cost: number;
}

/** Sessions are those of agents, from their counters; calls are those of models, as the ledger has them. */
export const readServerStats = (db: Reader): Promise<ServerStats> =>
  db.one<ServerStats>(
    sql`select (select count(*) from users where deleted_at is null) as users,
               (select coalesce(sum(n), 0)::bigint from counters where kind = 'session') as sessions,
               (select coalesce(sum(n), 0)::bigint from counters where kind = 'session' and status = 'running') as active_sessions,
               l.calls, l.cost
          from (select count(*) as calls, coalesce(sum(cost_micros), 0)::bigint as cost from usage_ledger
                 where at >= date_trunc('day', now() at time zone 'UTC') at time zone 'UTC') l`,
  );
