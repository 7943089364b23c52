import { newestFirst, type Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';

export interface NamedRow {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
}

/** An image of ours that a post shows. */
export interface PostImage {
  readonly id: string;
  readonly alt: string;
  readonly width: number;
  readonly height: number;
  /** Narrowest first. */
  readonly sizes: readonly { readonly width: number }[];
}

/** A published post, as everyone may see it. */
export interface PostRow {
  readonly id: string;
  readonly title: string;
  readonly slug: string;
  readonly body: string;
  readonly excerpt: string | null;
  readonly featured_image_url: string | null;
  /** What is known of it, where it is one of ours. */
  readonly featured_image: PostImage | null;
  readonly seo_title: string | null;
  readonly seo_description: string | null;
  readonly category: NamedRow | null;
  readonly tags: NamedRow[];
  readonly published_at: Date;
  readonly updated_at: Date;
}

const POST_COLUMNS = sql`p.id, p.title, p.slug, p.body, p.excerpt, p.featured_image_url, p.seo_title, p.seo_description,
  p.published_at, p.updated_at,
  (select json_build_object('id', i.id, 'alt', i.alt, 'width', i.width, 'height', i.height, 'sizes', i.sizes) from images i
    where i.content_id = p.content_id and strpos(p.featured_image_url, '/media/' || i.id || '/') > 0) as featured_image,
  (select json_build_object('id', c.id, 'name', c.name, 'slug', c.slug) from categories c where c.id = p.category_id) as category,
  (select coalesce(json_agg(json_build_object('id', t.id, 'name', t.name, 'slug', t.slug) order by t.slug), '[]')
     from post_tags x join tags t on t.id = x.tag_id where x.post_id = p.id) as tags`;

/** The published posts, newest first; `category` and `tag` are slugs. */
export const postListing = (filter: { category?: string; tag?: string }): Listing => ({
  columns: POST_COLUMNS,
  from: sql`posts p`,
  where: [
    // Said again, although row security says it: with two policies it could use no index.
    sql`p.workspace_id = (select current_site())`,
    sql`p.withdrawn_at is null`,
    ...(filter.category === undefined
      ? []
      : [sql`p.category_id = (select id from categories where slug = ${filter.category})`]),
    ...(filter.tag === undefined
      ? []
      : [
          sql`p.id in (select x.post_id from post_tags x join tags t on t.id = x.tag_id where t.slug = ${filter.tag})`,
        ]),
  ],
  order: newestFirst('p', 'published_at'),
  ...(filter.category === undefined && filter.tag === undefined
    ? { counters: { kind: 'post', statuses: ['published'] } }
    : {}),
});

export const findPost = (db: Reader, slug: string): Promise<PostRow | undefined> =>
  db.maybe<PostRow>(
    sql`select ${POST_COLUMNS} from posts p
         where p.workspace_id = (select current_site()) and p.slug = ${slug} and p.withdrawn_at is null`,
  );

/** The categories, or tags, that at least one published post has. */
export const listNamed = (db: Reader, table: 'categories' | 'tags'): Promise<NamedRow[]> =>
  table === 'categories'
    ? db.many<NamedRow>(
        sql`select c.id, c.name, c.slug from categories c
             where exists (select 1 from posts p where p.category_id = c.id and p.withdrawn_at is null) order by c.slug`,
      )
    : db.many<NamedRow>(
        sql`select t.id, t.name, t.slug from tags t
             where exists (select 1 from post_tags x join posts p on p.id = x.post_id
                            where x.tag_id = t.id and p.withdrawn_at is null) order by t.slug`,
      );

/** How many posts the site shows, and when one last changed. */
export const readSiteTotals = (db: Reader): Promise<{ posts: number; changed: Date | null }> =>
  db.one(
    sql`select (select coalesce(sum(n), 0)::bigint from counters where kind = 'post' and status = 'published') as posts,
               (select max(updated_at) from posts
                 where workspace_id = (select current_site()) and withdrawn_at is null) as changed`,
  );
