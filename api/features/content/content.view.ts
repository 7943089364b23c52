import type { ContentDetail, RevisionRow } from '../../../store/content/content.queries.ts';
import type { ContentRow } from '../../../store/content/content.rows.ts';
import type { components } from '../../generated/openapi.d.ts';
import { time, usd } from '../../http/wire.ts';

const author = (
  row: Pick<ContentRow, 'author_kind' | 'author_id' | 'author_model'>,
): components['schemas']['Author'] => ({
  kind: row.author_kind,
  id: row.author_id,
  model: row.author_model,
});

export const contentSummaryView = (row: ContentRow): components['schemas']['ContentSummary'] => ({
  id: row.id,
  title: row.title,
  excerpt: row.excerpt,
  category: row.category,
  tags: row.tags,
  status: row.status,
  revision: row.revision,
  published_revision: row.published_revision,
  slug: row.slug,
  author: author(row),
  task_id: row.task_id,
  created_at: time(row.created_at),
  updated_at: time(row.updated_at),
});

const revisionView = (row: RevisionRow): components['schemas']['Revision'] => ({
  number: row.number,
  title: row.title,
  author: author(row),
  cost_usd: usd(row.cost_micros),
  tokens: row.tokens_in + row.tokens_out,
  created_at: time(row.created_at),
});

export const contentView = (detail: ContentDetail): components['schemas']['Content'] => ({
  ...contentSummaryView(detail),
  content: detail.body,
  featured_image_url: detail.featured_image_url,
  seo_title: detail.seo_title,
  seo_description: detail.seo_description,
  run_id: detail.run_id,
  approval_id: detail.approval_id,
  revisions: detail.revisions.map(revisionView),
});
