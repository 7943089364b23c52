import { costOf } from '../../domain/budgets/budget.ts';
import { wait } from '../../scripts/services/processes.ts';
import { sql } from '../../store/sql.ts';
import type { DoubleCall } from '../doubles/model-double.ts';
import type { ApiClient } from './client.ts';
import type { TestServer } from './server.ts';

/** Micro-dollars per million tokens: those of the settings below. */
export const PRICE = { inputPerMtok: 3_000_000, outputPerMtok: 15_000_000 };
export const PRICES = { modelInputPrice: '3', modelOutputPrice: '15' };

/** No search, no picture, no revision: an outline and four sections, one call each. */
export const FIVE_CALLS = { research: 'none', image: 'none', quality: { max_revisions: 0 } } as const;

/** What a vendor has billed, in micro-dollars. */
export const billOf = (calls: readonly DoubleCall[]): number =>
  calls.reduce((sum, { billed }) => sum + costOf(PRICE, billed.input, billed.output), 0);

/** One budget and what its reservations say, as one moment shows them. All amounts are micro-dollars. */
export interface Books {
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
  readonly open: number;
  /** Sums over its reservations: those that are open, and what the others cost. */
  readonly openSum: number;
  readonly costSum: number;
}

export const readBooks = ({ system }: Pick<TestServer, 'system'>, scope: 'run' | 'month'): Promise<Books[]> =>
  system.many<Books>(
    sql`select b.limit_micros as "limit", b.spent_micros as spent, b.reserved_micros as reserved, r.*
          from budgets b cross join lateral (
            select count(*) filter (where state = 'open')::integer as open,
                   coalesce(sum(amount_micros) filter (where state = 'open'), 0)::bigint as "openSum",
                   coalesce(sum(cost_micros) filter (where state <> 'open'), 0)::bigint as "costSum"
              from budget_reservations where b.id = any(budget_ids)) r
         where b.scope = ${scope}`,
  );

/** What was ever seen of the budgets that break their promise: none, and how often they were looked at. */
export interface Watch {
  readonly looks: number;
  readonly mostCommitted: number;
  readonly broken: readonly string[];
  stop(): Promise<void>;
}

/** Looks at a budget again and again, in one statement each time: never more spent and reserved than its limit, and each sum as its reservations say. */
export const watchBooks = (server: TestServer, scope: 'run' | 'month'): Watch => {
  let [isOver, looks, mostCommitted] = [false, 0, 0];
  const broken: string[] = [];
  const look = async (): Promise<void> => {
    for (const books of await readBooks(server, scope)) {
      const { limit, spent, reserved, openSum, costSum } = books;
      looks++;
      mostCommitted = Math.max(mostCommitted, spent + reserved);
      if (spent + reserved > limit || reserved !== openSum || spent !== costSum)
        broken.push(JSON.stringify(books));
    }
  };
  const watching = (async () => {
    while (!isOver) {
      await look();
      await wait(15);
    }
  })();
  return {
    get looks() {
      return looks;
    },
    get mostCommitted() {
      return mostCommitted;
    },
    broken,
    stop: () => {
      isOver = true;
      return watching;
    },
  };
};

export interface Gate {
  readonly id: string;
  readonly run_id: string;
  readonly revision: number;
  readonly shown: Readonly<Record<string, unknown>>;
}

/** The approvals of a kind that are open, newest first. */
export const openGates = async (client: ApiClient, kind = 'budget'): Promise<Gate[]> =>
  (await client.get(`/api/v1/approvals?status=open&kind=${kind}&limit=100`)).body.items as Gate[];

export const decideGate = (
  client: ApiClient,
  { id, revision }: Gate,
  decision: 'approve' | 'reject',
  answer?: object,
) =>
  client.post(`/api/v1/approvals/${id}/decide`, {
    decision,
    revision,
    ...(answer === undefined ? {} : { answer }),
  });
