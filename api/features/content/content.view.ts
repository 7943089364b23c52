import type { Measured, Verdict } from '../../../domain/content/quality.ts';
import type { Source } from '../../../domain/research/source.ts';
import type { JudgementRow } from '../../../store/content/quality.repository.ts';
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
  quality_score: row.quality_score,
  below_threshold: row.below_threshold,
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

/** What was stored by the judge is of the shape that the spec says; it is kept as JSON. */
const judgementView = (row: JudgementRow | undefined): components['schemas']['Judgement'] => {
  if (!row) return null;
  const verdict = row.verdict as unknown as Pick<Verdict, 'basis' | 'reasons'>;
  const measured = row.measured as unknown as Pick<Measured, 'parts'>;
  return {
    revision: row.revision,
    score: row.score,
    passed: row.passed,
    basis: verdict.basis,
    reasons: verdict.reasons.map((reason) => ({ ...reason })),
    parts: measured.parts.map((part) => ({ ...part })),
    model: row.model,
  };
};

const sourceView = (source: Source): components['schemas']['ContentSource'] => ({
  n: source.n,
  title: source.title,
  url: source.url,
  publisher: source.publisher,
  published_at: source.publishedAt,
  passages: [...source.passages],
  provider: source.provider,
});

export const contentView = (detail: ContentDetail): components['schemas']['Content'] => ({
  ...contentSummaryView(detail),
  content: detail.body,
  featured_image_url: detail.featured_image_url,
  seo_title: detail.seo_title,
  seo_description: detail.seo_description,
  run_id: detail.run_id,
  approval_id: detail.approval_id,
  judgement: judgementView(detail.judgement),
  sources: detail.sources.map(sourceView),
  revisions: detail.revisions.map(revisionView),
});
