import { v7 as uuidv7 } from 'uuid';
import { excerptOf } from '../../domain/content/revision.ts';
import { slugCandidate, slugify } from '../../domain/content/slug.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import { requireContent, requireRevision, setContentStatus } from './content.repository.ts';
import type { ContentRow } from './content.rows.ts';

export interface PublishedPost {
  readonly id: string;
  readonly slug: string;
}

/** The first free slug for a title. Those who look for the same one wait for each other. */
const freeSlug = async (tx: Writer, title: string): Promise<string> => {
  const base = slugify(title);
  tx.send(
    sql`select pg_advisory_xact_lock(hashtextextended(${`slug/${tx.principal.workspaceId}/${base}`}, 0))`,
  );
  const taken = await tx.many<{ slug: string }>(
    sql`select slug from posts where slug = ${base} or (starts_with(slug, ${`${base}-`}) and slug ~ '-[0-9]+$')`,
  );
  const known = new Set(taken.map((row) => row.slug));
  let n = 1;
  while (known.has(slugCandidate(base, n))) n++;
  return slugCandidate(base, n);
};

const named = async (tx: Writer, table: 'categories' | 'tags', name: string): Promise<string> => {
  const into = table === 'tags' ? sql`insert into tags` : sql`insert into categories`;
  const row = await tx.one<{ id: string }>(
    sql`${into} (workspace_id, name, slug) values (${tx.principal.workspaceId}, ${name}, ${slugify(name)})
        on conflict (workspace_id, slug) do update set name = excluded.name returning id`,
  );
  return row.id;
};

/**
 * Publishes a revision on the built-in site. The content's id is unique among posts: however often this is repeated,
 * there is one post, and its slug is chosen once. Publishing a newer revision changes that post.
 */
export const publishRevision = async (
  tx: Writer,
  contentId: string,
  revision: number,
): Promise<PublishedPost> => {
  const content = await requireContent(tx, contentId);
  const draft = await requireRevision(tx, contentId, revision);
  const existing = await tx.maybe<PublishedPost & { withdrawn: boolean }>(
    sql`select id, slug, withdrawn_at is not null as withdrawn from posts where content_id = ${contentId} for update`,
  );
  const slug = existing?.slug ?? (await freeSlug(tx, draft.title));
  const categoryId = content.category ? await named(tx, 'categories', content.category) : null;
  const post = await tx.one<PublishedPost>(
    sql`insert into posts as p (id, workspace_id, content_id, revision, title, slug, body, excerpt, featured_image_url,
                                seo_title, seo_description, category_id)
        values (${uuidv7()}, ${content.workspace_id}, ${contentId}, ${revision}, ${draft.title}, ${slug}, ${draft.body},
                ${draft.excerpt ?? excerptOf(draft.body)}, ${draft.featuredImageUrl}, ${draft.seoTitle}, ${draft.seoDescription},
                ${categoryId})
        on conflict (content_id) do update set revision = excluded.revision, title = excluded.title, body = excluded.body,
          excerpt = excluded.excerpt, featured_image_url = excluded.featured_image_url, seo_title = excluded.seo_title,
          seo_description = excluded.seo_description, category_id = excluded.category_id, updated_at = now(), withdrawn_at = null
        returning id, slug`,
  );
  await tagPost(tx, post.id, content);
  tx.send(sql`update content_items set published_revision = ${revision} where id = ${contentId}`);
  await setContentStatus(tx, contentId, 'published');
  if (!existing || existing.withdrawn) tx.count('post', 'published', 1);
  tx.audit('post.publish', 'content', contentId, { post_id: post.id, slug, revision });
  return post;
};

const tagPost = async (tx: Writer, postId: string, content: ContentRow): Promise<void> => {
  tx.send(sql`delete from post_tags where post_id = ${postId}`);
  // In one order everywhere: two publications that share tags must not wait for each other in a circle.
  for (const tag of [...new Set(content.tags)].toSorted((a, b) => (slugify(a) < slugify(b) ? -1 : 1))) {
    const tagId = await named(tx, 'tags', tag);
    tx.send(
      sql`insert into post_tags (workspace_id, post_id, tag_id) values (${content.workspace_id}, ${postId}, ${tagId})
          on conflict do nothing`,
    );
  }
};
