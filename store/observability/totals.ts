import { sql } from '../sql.ts';
import type { SystemStore } from '../system.ts';

/** Figures over all workspaces, for metrics and health. */
export interface SystemTotals {
  readonly runs: readonly { kind: string; status: string; n: number }[];
  readonly tokens: readonly {
    model: string;
    tokens_in: number;
    tokens_out: number;
    cost_micros: number;
    in_doubt: number;
  }[];
  readonly outbox: { readonly waiting: number; readonly oldest_seconds: number };
  readonly events: { readonly last_pos: number; readonly unstamped: number };
  /** Agent sessions by status; their totals are kept like those of runs. */
  readonly sessions: readonly { status: string; n: number }[];
}

export const readSystemTotals = async (system: SystemStore): Promise<SystemTotals> => {
  const [counts, tokens, outbox, events] = await Promise.all([
    system.many<{ kind: string; status: string; n: number }>(
      sql`select kind, status, sum(n)::bigint as n from counters where starts_with(kind, 'run/') or kind = 'session' group by kind, status`,
    ),
    system.many<SystemTotals['tokens'][number]>(
      sql`select provider || ':' || model as model, sum(tokens_in)::bigint as tokens_in, sum(tokens_out)::bigint as tokens_out,
                 coalesce(sum(cost_micros), 0)::bigint as cost_micros, count(*) filter (where in_doubt) as in_doubt
            from usage_ledger group by 1`,
    ),
    system.many<SystemTotals['outbox']>(
      sql`select count(*) as waiting, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds from outbox`,
    ),
    system.many<SystemTotals['events']>(
      sql`select last_pos, (select count(*) from events where pos is null) as unstamped from event_log`,
    ),
  ]);
  return {
    runs: counts
      .filter(({ kind }) => kind !== 'session')
      .map((row) => ({ ...row, kind: row.kind.slice('run/'.length) })),
    sessions: counts.filter(({ kind }) => kind === 'session'),
    tokens,
    outbox: outbox[0] ?? { waiting: 0, oldest_seconds: 0 },
    events: events[0] ?? { last_pos: 0, unstamped: 0 },
  };
};
