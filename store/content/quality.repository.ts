import type { Json } from '../../domain/json.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

export interface NearestPost {
  readonly content_id: string;
  readonly title: string;
  readonly slug: string;
  /** Cosine, -1 to 1. */
  readonly similarity: number;
}

/** Which text a vector stands for; vectors of different models are never compared. */
export interface Embedded {
  readonly contentId: string;
  readonly revision: number;
  readonly model: string;
  /** Of length 1. */
  readonly vector: Float32Array;
}

/** PostgreSQL's form of an array of reals; parameters carry it as text. */
const arrayOf = (vector: Float32Array): string => `{${vector.join(',')}}`;

/**
 * The published post that is nearest to a vector, compared with each one exactly.
 * @param vector of length 1, by `model`
 * @param exceptContentId the content that the vector itself stands for
 * @returns undefined where no post has a vector by this model yet
 */
export const nearestPost = (
  db: Reader,
  { vector, model }: Pick<Embedded, 'vector' | 'model'>,
  exceptContentId: string | null,
): Promise<NearestPost | undefined> =>
  db.maybe<NearestPost>(
    // Materialized: else a planner without statistics may compute the products before the join, for each pair.
    sql`with candidates as materialized (
          select p.content_id, p.title, p.slug, e.vector
            from posts p
            join post_embeddings e on e.content_id = p.content_id and e.revision = p.revision and e.model = ${model}
           where p.withdrawn_at is null and p.content_id is distinct from ${exceptContentId}::uuid)
        select content_id, title, slug, dot_product(vector, ${arrayOf(vector)}::real[]) as similarity
          from candidates order by similarity desc, content_id limit 1`,
  );

/** Remembers the vector of a revision. Those of other revisions go, but for the published one. May be repeated. */
export const storeEmbedding = async (
  tx: Writer,
  { contentId, revision, model, vector }: Embedded,
): Promise<void> => {
  await tx.run(
    sql`insert into post_embeddings (workspace_id, content_id, revision, model, vector)
        values (${tx.principal.workspaceId}, ${contentId}, ${revision}, ${model}, ${arrayOf(vector)}::real[])
        on conflict (content_id, revision, model) do update set vector = excluded.vector, at = now()`,
  );
  await tx.run(
    sql`delete from post_embeddings e
         where e.content_id = ${contentId} and e.model = ${model} and e.revision <> ${revision}
           and not exists (select 1 from posts p where p.content_id = e.content_id and p.revision = e.revision)`,
  );
};

/** Published posts without a vector by this model, oldest first: those from before the judge, or after a new model. */
export const postsWithoutEmbedding = (
  db: Reader,
  model: string,
  limit: number,
): Promise<{ content_id: string; revision: number; title: string; body: string }[]> =>
  db.many(
    sql`select p.content_id, p.revision, p.title, p.body from posts p
         where p.withdrawn_at is null
           and not exists (select 1 from post_embeddings e
                            where e.content_id = p.content_id and e.revision = p.revision and e.model = ${model})
         order by p.published_at, p.id limit ${limit}`,
  );

export interface NewJudgement {
  readonly contentId: string;
  readonly revision: number;
  readonly runId: string;
  /** 0 to 100, whole. */
  readonly score: number;
  readonly passed: boolean;
  /** What code measured: score, parts, notes. */
  readonly measured: Json;
  /** The common verdict with its reasons. */
  readonly verdict: Json;
  /** What the next revision is asked to change. */
  readonly notes: Json;
  /** The model that judged; `null` where code judged alone. */
  readonly model: string | null;
}

export interface JudgementRow {
  readonly id: string;
  readonly content_id: string;
  readonly revision: number;
  readonly run_id: string;
  readonly score: number;
  readonly passed: boolean;
  readonly measured: Json;
  readonly verdict: Json;
  readonly notes: Json;
  readonly model: string | null;
  readonly at: Date;
}

/** Stores a run's judgement of a revision; a repeated one changes nothing. @returns whether it was new. */
export const storeJudgement = async (tx: Writer, input: NewJudgement): Promise<boolean> => {
  const stored = await tx.run(
    sql`insert into content_judgements
          (workspace_id, content_id, revision, run_id, score, passed, measured, verdict, notes, model)
        values (${tx.principal.workspaceId}, ${input.contentId}, ${input.revision}, ${input.runId}, ${input.score},
                ${input.passed}, ${JSON.stringify(input.measured)}, ${JSON.stringify(input.verdict)},
                ${JSON.stringify(input.notes)}, ${input.model})
        on conflict on constraint content_judgements_once do nothing`,
  );
  return stored === 1;
};

const JUDGEMENT_COLUMNS = sql`id, content_id, revision, run_id, score, passed, measured, verdict, notes, model, at`;

/** The judgements of a piece of content, newest first; 100 at most. */
export const listJudgements = (db: Reader, contentId: string): Promise<JudgementRow[]> =>
  db.many<JudgementRow>(
    sql`select ${JUDGEMENT_COLUMNS} from content_judgements where content_id = ${contentId} order by at desc, id desc limit 100`,
  );

/** The judgement of the newest revision that was judged. */
export const newestJudgement = (db: Reader, contentId: string): Promise<JudgementRow | undefined> =>
  db.maybe<JudgementRow>(
    sql`select ${JUDGEMENT_COLUMNS} from content_judgements where content_id = ${contentId}
         order by revision desc, at desc limit 1`,
  );

/** A revision with the same text as a judged one has the same judgement. */
export const copyJudgement = (tx: Writer, contentId: string, from: number, to: number, runId: string): void =>
  tx.send(
    sql`insert into content_judgements (workspace_id, content_id, revision, run_id, score, passed, measured, verdict, notes, model)
        select workspace_id, content_id, ${to}::integer, run_id, score, passed, measured, verdict, notes, model
          from content_judgements where content_id = ${contentId} and revision = ${from} and run_id = ${runId}
        on conflict on constraint content_judgements_once do nothing`,
  );

/** And the same vectors: those of the published revision are what later drafts are compared with. */
export const copyEmbedding = (tx: Writer, contentId: string, from: number, to: number): void =>
  tx.send(
    sql`insert into post_embeddings (workspace_id, content_id, revision, model, vector)
        select workspace_id, content_id, ${to}::integer, model, vector from post_embeddings
         where content_id = ${contentId} and revision = ${from}
        on conflict do nothing`,
  );

/** What lists and approvers see of the judge's word. */
export const setQuality = (tx: Writer, contentId: string, score: number, belowThreshold: boolean): void =>
  tx.send(
    sql`update content_items set quality_score = ${score}, below_threshold = ${belowThreshold} where id = ${contentId}`,
  );
