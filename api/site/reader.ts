import { publicPrincipal } from '../../domain/identity/principal.ts';
import {
  findPost,
  listNamed,
  postListing,
  type NamedRow,
  type PostRow,
} from '../../store/content/posts.repository.ts';
import { readPage } from '../../store/page.ts';
import { readWorkspaceSettings, type WorkspaceSettings } from '../../store/settings/workspace.repository.ts';
import type { Reader, Store } from '../../store/store.ts';

const PAGE_SIZE = 10;
/** Beyond this many rows offsets are refused. */
const LAST_PAGE = 1_000;
/** What one sitemap may hold (sitemaps.org). */
const SITEMAP_SIZE = 50_000;

/** Which posts a list shows. */
export type PostFilter = { readonly by: 'category' | 'tag'; readonly slug: string } | null;

export interface PostList {
  readonly posts: readonly PostRow[];
  readonly page: number;
  /** `null` when there are too many to count. */
  readonly pages: number | null;
  readonly hasMore: boolean;
  /** The category or tag whose posts these are. */
  readonly of: NamedRow | null;
}

export interface SitemapEntry {
  readonly slug: string;
  readonly updated_at: Date;
}

/** What the site reads: published posts of one workspace, nothing else. */
export interface SiteReader {
  /** The workspace that the site belongs to. */
  siteId(): Promise<string>;
  /** What it is called, and how it looks. */
  settings(): Promise<WorkspaceSettings>;
  /** @returns `undefined` for a page that does not exist, or a category or tag that no post has. */
  listPosts(filter: PostFilter, page: number): Promise<PostList | undefined>;
  findPost(slug: string): Promise<PostRow | undefined>;
  /** The newest posts, at most this many. */
  newest(limit: number): Promise<readonly PostRow[]>;
  /** The addresses of the newest posts, as many as one sitemap may hold. */
  sitemapEntries(): Promise<readonly SitemapEntry[]>;
  /** The categories that have posts. */
  categories(): Promise<readonly NamedRow[]>;
}

/** Slugs are kept in a normal form that browsers and people do not type. */
const spellings = (slug: string): string[] => [
  ...new Set([slug, slug.normalize('NFC'), slug.normalize('NFKD')]),
];

/** What the database can't hold can't be a slug. */
const isSlug = (slug: string): boolean => slug.length <= 400 && slug.isWellFormed() && !slug.includes('\0');

const findNamed = async (db: Reader, filter: PostFilter): Promise<NamedRow | undefined> => {
  if (!filter || !isSlug(filter.slug)) return undefined;
  const named = await listNamed(db, filter.by === 'tag' ? 'tags' : 'categories');
  const wanted = spellings(filter.slug);
  return named.find(({ slug }) => wanted.includes(slug));
};

const readList = async (db: Reader, filter: PostFilter, page: number): Promise<PostList | undefined> => {
  if (page > LAST_PAGE) return undefined;
  const of = await findNamed(db, filter);
  if (filter && !of) return undefined;
  const listing = postListing(filter && of ? { [filter.by]: of.slug } : {});
  const found = await readPage<PostRow>(db, listing, {
    limit: PAGE_SIZE,
    offset: (page - 1) * PAGE_SIZE,
    after: null,
  });
  if (page > 1 && found.rows.length === 0) return undefined;
  const pages = found.totalIsCapped ? null : Math.max(1, Math.ceil(found.total / PAGE_SIZE));
  return { posts: found.rows, page, pages, hasMore: found.hasMore && page < LAST_PAGE, of: of ?? null };
};

/**
 * Reads the site's posts through the store, as the public sees them.
 * @param siteWorkspaceId resolves to the workspace whose posts these are; asked on every read.
 */
export const createSiteReader = (
  store: Pick<Store, 'read'>,
  siteWorkspaceId: () => Promise<string>,
): SiteReader => {
  const read = async <T>(fn: (db: Reader) => Promise<T>): Promise<T> =>
    store.read(publicPrincipal(await siteWorkspaceId()), fn);
  return {
    siteId: siteWorkspaceId,
    settings: () => read(readWorkspaceSettings),
    listPosts: (filter, page) => read((db) => readList(db, filter, page)),
    findPost: async (slug) => {
      if (!isSlug(slug)) return undefined;
      const found = await read((db) =>
        Promise.all(spellings(slug).map((spelling) => findPost(db, spelling))),
      );
      return found.find((post) => post !== undefined);
    },
    newest: async (limit) =>
      (await read((db) => readPage<PostRow>(db, postListing({}), { limit, offset: 0, after: null }))).rows,
    sitemapEntries: async () => {
      const listing = { ...postListing({}), columns: { text: 'p.slug, p.updated_at', values: [] } };
      return (
        await read((db) =>
          readPage<SitemapEntry>(db, listing, { limit: SITEMAP_SIZE, offset: 0, after: null }),
        )
      ).rows;
    },
    categories: () => read((db) => listNamed(db, 'categories')),
  };
};
