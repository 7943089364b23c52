import type { Draft } from '../../domain/content/revision.ts';
import type { JsonObject } from '../../domain/json.ts';
import { sql } from '../sql.ts';

export type ContentStatus = 'draft' | 'in_review' | 'approved' | 'scheduled' | 'published' | 'rejected';

/** A piece of content with its newest revision. */
export interface ContentRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly task_id: string | null;
  readonly created_by: string | null;
  readonly category: string | null;
  readonly tags: string[];
  readonly status: ContentStatus;
  /** The judge's, of the newest text that a run wrote; null for text that no run has judged. */
  readonly quality_score: number | null;
  readonly below_threshold: boolean;
  readonly revision: number;
  readonly published_revision: number | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly title: string;
  readonly body: string;
  readonly excerpt: string | null;
  readonly featured_image_url: string | null;
  readonly seo_title: string | null;
  readonly seo_description: string | null;
  readonly author_kind: 'model' | 'person';
  readonly author_id: string | null;
  readonly author_model: string | null;
  readonly slug: string | null;
}

export const CONTENT_COLUMNS = sql`c.id, c.workspace_id, c.task_id, c.created_by, c.category, c.tags, c.status,
  c.quality_score, c.below_threshold, c.revision,
  c.published_revision, c.created_at, c.updated_at, v.title, v.body, v.excerpt, v.featured_image_url, v.seo_title,
  v.seo_description, v.author_kind, v.author_id, v.author_model,
  (select p.slug from posts p where p.content_id = c.id and p.withdrawn_at is null) as slug`;

export const CONTENT_TABLES = sql`content_items c join content_revisions v on v.item_id = c.id and v.number = c.revision`;

export const draftOf = (row: ContentRow): Draft => ({
  title: row.title,
  body: row.body,
  excerpt: row.excerpt,
  featuredImageUrl: row.featured_image_url,
  seoTitle: row.seo_title,
  seoDescription: row.seo_description,
});

/** What an approver is shown in lists; the whole text is one read away. */
export const shownOf = (
  draft: Draft,
  quality?: Pick<ContentRow, 'quality_score' | 'below_threshold'>,
): JsonObject => ({
  title: draft.title,
  excerpt: draft.excerpt ?? draft.body.slice(0, 200),
  ...(quality && quality.quality_score !== null
    ? { quality_score: quality.quality_score, below_threshold: quality.below_threshold }
    : {}),
});
