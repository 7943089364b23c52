import type { PostRow } from '../../store/content/posts.repository.ts';
import type { PostList } from './reader.ts';

/** A post for tests, complete and without surprises, with these changes. */
export const aPost = (changes: Partial<PostRow> = {}): PostRow => ({
  id: '0190163d-8694-739b-aea5-966c26f8ad90',
  title: 'A title',
  slug: 'a-title',
  body: 'Text',
  excerpt: 'An excerpt',
  featured_image_url: null,
  featured_image: null,
  seo_title: null,
  seo_description: null,
  category: { id: '1', name: 'Craft', slug: 'craft' },
  tags: [{ id: '2', name: 'Looms', slug: 'looms' }],
  published_at: new Date('2026-03-01T10:00:00Z'),
  updated_at: new Date('2026-03-01T10:00:00Z'),
  ...changes,
});

/** A list for tests: one page with one post, with these changes. */
export const aList = (changes: Partial<PostList> = {}): PostList => ({
  posts: [aPost()],
  page: 1,
  pages: 1,
  hasMore: false,
  of: null,
  ...changes,
});
