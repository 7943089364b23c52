import { imageUrl, sizeName } from '../../../domain/media/image.ts';
import { notFound } from '../../../domain/errors.ts';
import {
  findPost,
  listNamed,
  postListing,
  readSiteTotals,
  type PostImage,
  type PostRow,
} from '../../../store/content/posts.repository.ts';
import { cacheable, defineHandlers, type Input } from '../../http/operation.ts';
import { siteList } from '../../http/resource.ts';
import { maybeTime, time } from '../../http/wire.ts';
import type { components } from '../../generated/openapi.d.ts';

export interface SiteDeps {
  readonly publicUrl: string;
}

const imageView =
  (publicUrl: string) =>
  ({ id, alt, width, height, sizes }: PostImage): components['schemas']['PostImage'] => ({
    alt,
    width,
    height,
    sizes: sizes.map((size) => ({ width: size.width, url: imageUrl(publicUrl, id, sizeName(size.width)) })),
  });

const postView =
  (publicUrl: string) =>
  (post: PostRow): components['schemas']['Post'] => ({
    id: post.id,
    title: post.title,
    slug: post.slug,
    content: post.body,
    excerpt: post.excerpt,
    featured_image_url: post.featured_image_url,
    featured_image: post.featured_image && imageView(publicUrl)(post.featured_image),
    seo_title: post.seo_title,
    seo_description: post.seo_description,
    category: post.category,
    tags: post.tags,
    url: `${publicUrl}/posts/${encodeURIComponent(post.slug)}`,
    published_at: time(post.published_at),
    updated_at: time(post.updated_at),
  });

export const siteHandlers = ({ publicUrl }: SiteDeps) => {
  const view = postView(publicUrl);
  const listPosts = siteList({
    path: '/api/posts',
    view,
    listing: ({ category, tag }: Input<'listPosts'>['query']) =>
      postListing({ ...(category === undefined ? {} : { category }), ...(tag === undefined ? {} : { tag }) }),
  });
  return defineHandlers({
    listPosts: async (input, ctx) => {
      const page = await listPosts(input, ctx);
      return cacheable({ ...page, posts: page.items });
    },
    getPost: async ({ params }, ctx) => {
      const post = await ctx.readSite((db) => findPost(db, params.slug));
      if (!post) throw notFound('post', params.slug);
      return cacheable(view(post));
    },
    listCategories: async (_input, ctx) =>
      cacheable({ categories: await ctx.readSite((db) => listNamed(db, 'categories')) }),
    listTags: async (_input, ctx) => cacheable({ tags: await ctx.readSite((db) => listNamed(db, 'tags')) }),
    getSiteStatus: async (_input, ctx) => {
      const { posts, changed } = await ctx.readSite(readSiteTotals);
      return cacheable({ status: 'healthy' as const, posts_count: posts, last_sync: maybeTime(changed) }, 5);
    },
  });
};
