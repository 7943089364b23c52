import { notFound } from '../../domain/errors.ts';
import type { Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';

/** A caller, an account or an address that is refused now, or nearly. */
export interface LimitedRow {
  readonly id: string;
  readonly kind: 'requests' | 'guesses';
  /** The class of operations; of guesses `kind/scope`. */
  readonly counted: string;
  readonly user_id: string | null;
  readonly user_name: string | null;
  readonly last_at: Date;
  readonly refused: number | null;
  readonly minute_taken: number | null;
  readonly minute_limit: number | null;
  readonly minute_until: Date | null;
  readonly hour_taken: number | null;
  readonly hour_limit: number | null;
  readonly hour_until: Date | null;
  readonly failures: number | null;
  readonly free: number | null;
  readonly blocked_until: Date | null;
}

/** Who is limited now or has used four fifths of a limit; the last one to come first. */
export const limitedListing = (kind: 'requests' | 'guesses' | undefined): Listing => ({
  columns: sql`l.*`,
  from: sql`limited l`,
  where: kind === undefined ? [] : [sql`l.kind = ${kind}`],
  order: [
    { column: sql`l.last_at`, type: 'timestamptz', descending: true },
    { column: sql`l.id`, type: 'text', descending: true },
  ],
});

/** Lifts a limit: its caller begins anew. That an address is known for an account stays. @throws DomainError not_found. */
export const liftLimit = async (tx: Writer, id: string): Promise<void> => {
  const row = await tx.maybe<{ counted: string; user_id: string | null }>(
    sql`delete from rate_buckets where id = ${id} returning class as counted, user_id`,
  );
  const lifted =
    row ??
    (await tx.maybe<{ counted: string; user_id: null }>(
      sql`update guess_counters set failures = 0, blocked_until = null, forgotten_at = now()
           where id = ${id} and forgotten_at > now()
          returning kind || '/' || scope as counted, null as user_id`,
    ));
  if (!lifted) throw notFound('limit', id);
  tx.audit('limit.lift', 'limit', id, { counted: lifted.counted, user_id: lifted.user_id });
};
