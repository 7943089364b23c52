import type { Source } from '../../domain/research/source.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

interface SourceRow extends Omit<Source, 'publishedAt' | 'fetchedAt'> {
  readonly publishedAt: Date | null;
  readonly fetchedAt: Date;
}

/**
 * Keeps what was found for a run, whose lock this transaction holds. A run has one set of sources: a second time changes
 * nothing, whatever was found then.
 * @returns how many were stored now
 */
export const storeSources = (tx: Writer, runId: string, sources: readonly Source[]): Promise<number> =>
  tx.run(
    sql`insert into sources (workspace_id, run_id, n, url, title, publisher, published_at, passages, provider, fetched_at)
        select r.workspace_id, r.id, s.n, s.url, s.title, s.publisher, s."publishedAt", s.passages, s.provider, s."fetchedAt"
          from runs r, jsonb_to_recordset(${JSON.stringify(sources)}::jsonb)
                 as s(n integer, url text, title text, publisher text, "publishedAt" timestamptz, passages jsonb,
                      provider text, "fetchedAt" timestamptz)
         where r.id = ${runId} and not exists (select 1 from sources known where known.run_id = r.id)
            on conflict do nothing`,
  );

/** The sources of a run, by their numbers. */
export const listSources = async (db: Reader, runId: string): Promise<Source[]> => {
  const rows = await db.many<SourceRow>(
    sql`select n, url, title, publisher, published_at as "publishedAt", passages, provider, fetched_at as "fetchedAt"
          from sources where run_id = ${runId} order by n`,
  );
  return rows.map((row) => ({
    ...row,
    publishedAt: row.publishedAt?.toISOString() ?? null,
    fetchedAt: row.fetchedAt.toISOString(),
  }));
};
