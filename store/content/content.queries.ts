import { newestFirst, type Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';
import type { Source } from '../../domain/research/source.ts';
import { listSources } from '../research/sources.repository.ts';
import { requireContent } from './content.repository.ts';
import { newestJudgement, type JudgementRow } from './quality.repository.ts';
import { CONTENT_COLUMNS, CONTENT_TABLES, type ContentRow } from './content.rows.ts';

export interface RevisionRow {
  readonly number: number;
  readonly title: string;
  readonly author_kind: 'model' | 'person';
  readonly author_id: string | null;
  readonly author_model: string | null;
  readonly cost_micros: number;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly created_at: Date;
}

/** A piece of content with its history, its newest run and its open approval. */
export interface ContentDetail extends ContentRow {
  readonly revisions: readonly RevisionRow[];
  readonly run_id: string | null;
  readonly approval_id: string | null;
  /** Of the newest revision that was judged. */
  readonly judgement: JudgementRow | undefined;
  /** What the run that wrote the newest text of a model found. */
  readonly sources: readonly Source[];
}

export const contentListing = (status: string | undefined): Listing => ({
  columns: CONTENT_COLUMNS,
  from: CONTENT_TABLES,
  where: [sql`c.deleted_at is null`, ...(status === undefined ? [] : [sql`c.status = ${status}`])],
  order: newestFirst('c'),
  counters: { kind: 'content', statuses: status === undefined ? null : [status] },
});

/** @throws DomainError not_found. */
export const requireContentDetail = async (db: Reader, id: string): Promise<ContentDetail> => {
  const content = await requireContent(db, id);
  const revisions = await db.many<RevisionRow>(
    sql`select number, title, author_kind, author_id, author_model, cost_micros, tokens_in, tokens_out, created_at
          from content_revisions where item_id = ${id} order by number desc limit 100`,
  );
  const [{ run_id, approval_id, wrote }, judgement] = await Promise.all([
    db.one<{ run_id: string | null; approval_id: string | null; wrote: string | null }>(
      sql`select (select r.id from runs r where r.subject_id in (${content.id}, ${content.task_id})
                   order by r.created_at desc limit 1) as run_id,
                 (select a.id from approvals a where a.subject_type = 'content' and a.subject_id = ${content.id}
                     and a.status = 'open') as approval_id,
                 (select v.run_id from content_revisions v where v.item_id = ${content.id} and v.run_id is not null
                   order by v.number desc limit 1) as wrote`,
    ),
    newestJudgement(db, content.id),
  ]);
  const sources = wrote === null ? [] : await listSources(db, wrote);
  return { ...content, revisions, run_id, approval_id, judgement, sources };
};
