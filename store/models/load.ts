import { sql } from '../sql.ts';
import type { Store } from '../store.ts';

/** How many calls all runs of this installation made to a provider in the last minute; a number and nothing else. */
export const countCallsLastMinute = async (store: Store, provider: string): Promise<number> =>
  (await store.beforeWorkspace<{ n: number }>(sql`select model_calls_last_minute(${provider}) as n`))?.n ?? 0;
