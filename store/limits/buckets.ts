import { sql } from '../sql.ts';
import type { Store } from '../store.ts';

/** What one process has counted in one bucket since it told last; milliseconds that its windows have left. */
export interface BucketChange {
  readonly id: string;
  readonly class: string;
  readonly user_id: string | null;
  readonly user_name: string | null;
  readonly refused: number;
  readonly minute_taken: number;
  readonly minute_limit: number | null;
  readonly minute_ms: number;
  readonly hour_taken: number;
  readonly hour_limit: number | null;
  readonly hour_ms: number;
}

/** What all processes have counted; milliseconds that the windows have left. */
export interface SharedBucket {
  readonly id: string;
  readonly minute: { readonly taken: number; readonly ms: number };
  readonly hour: { readonly taken: number; readonly ms: number };
}

/** Adds to what all processes have counted, in one statement. @returns what that is now, of the same buckets. */
export const exchangeBuckets = async (
  store: Store,
  changes: readonly BucketChange[],
): Promise<readonly SharedBucket[]> => {
  const row = await store.beforeWorkspace<{ shared: SharedBucket[] }>(
    sql`select shared from exchange_rate_buckets(${JSON.stringify(changes)})`,
  );
  return row?.shared ?? [];
};

/** Removes counters that say nothing any more. @param knownMs how long an address stays known for an account. */
export const forgetLimits = async (store: Store, knownMs: number): Promise<void> => {
  await store.beforeWorkspace(sql`select forget_limits(${knownMs})`);
};
