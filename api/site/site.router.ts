import { Router, type Request, type RequestHandler, type Response } from 'express';
import { v5 as uuidv5 } from 'uuid';
import type { Store } from '../../store/store.ts';
import { sendAnswer } from './answer.ts';
import { atomFeed, robots, sitemap } from './feeds.ts';
import { createPostRenderer } from './markdown.ts';
import { path, type Site } from './page.ts';
import { listPage, notFoundPage, postPage } from './posts.pages.ts';
import { createSiteReader, type PostFilter, type SiteReader } from './reader.ts';
import { ICON, STYLE } from './style.ts';

/** Nothing but our own style sheet and images: no script runs on these pages, whatever a post holds. */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const MAX_AGE_SECONDS = 30;
const FEED_SIZE = 20;

const HTML = 'text/html; charset=utf-8';
const XML = 'application/xml; charset=utf-8';
const ATOM = 'application/atom+xml; charset=utf-8';

export interface SiteOptions {
  readonly store: Pick<Store, 'read'>;
  /** Resolves to the workspace whose posts the site shows; asked on every request. */
  readonly siteWorkspaceId: () => Promise<string>;
  /** Scheme and host at which readers reach the site. */
  readonly publicUrl: string;
  /** What the site is called: "Taskloom" unless given. */
  readonly name?: string;
}

interface Shown {
  readonly type: string;
  readonly body: string;
}

/** The page that is asked for: 1 without one, `undefined` for what is no page number in its usual form. */
const pageOf = (req: Request): number | undefined => {
  const { page } = req.query;
  if (page === undefined) return 1;
  return typeof page === 'string' && /^[1-9]\d{0,8}$/.test(page) ? Number(page) : undefined;
};

const slugOf = (req: Request): string => String(req.params['slug']);

/**
 * The public site on any source of posts. Its pages need neither script nor cookie, and are the same for everyone.
 * Failures of the source are left to the application's error handler.
 */
export const siteRouterOn = (reader: SiteReader, site: Site): Router => {
  const router = Router();
  const render = createPostRenderer();
  const send = (req: Request, res: Response, shown: Shown, status = 200): void =>
    sendAnswer(req, res, { ...shown, status, maxAgeSeconds: MAX_AGE_SECONDS, policy: POLICY });
  const notFound: RequestHandler = (req, res) =>
    send(req, res, { type: HTML, body: notFoundPage(site) }, 404);

  const fixed = (at: string, type: string, body: string): void =>
    void router.get(at, (req, res) => send(req, res, { type, body }));
  /** What `make` resolves to, or the page for nothing. */
  const show =
    (make: (req: Request) => Promise<Shown | undefined>): RequestHandler =>
    async (req, res, next) => {
      const shown = await make(req);
      return shown ? send(req, res, shown) : notFound(req, res, next);
    };

  const listOf = async (req: Request, filter: PostFilter): Promise<Shown | undefined> => {
    const page = pageOf(req);
    if (page === undefined) return undefined;
    const [list, categories] = await Promise.all([reader.listPosts(filter, page), reader.categories()]);
    return list && { type: HTML, body: listPage(list, filter, categories, site) };
  };
  const postOf = async (req: Request): Promise<Shown | undefined> => {
    const post = await reader.findPost(slugOf(req));
    return post && { type: HTML, body: postPage(post, render(post), site) };
  };
  const feedOf = async (): Promise<Shown> => {
    const [posts, id] = await Promise.all([reader.newest(FEED_SIZE), reader.siteId()]);
    // Feed readers keep this id for ever; the workspace's own is nobody's business.
    return { type: ATOM, body: atomFeed(posts, render, site, uuidv5('feed', id)) };
  };
  const sitemapOf = async (): Promise<Shown> => ({
    type: XML,
    body: sitemap(await reader.sitemapEntries(), site),
  });

  router.get('/', (_req, res) => res.redirect(302, path()));
  fixed('/robots.txt', 'text/plain; charset=utf-8', robots(site));
  fixed('/posts/style.css', 'text/css; charset=utf-8', STYLE);
  fixed('/posts/icon.svg', 'image/svg+xml; charset=utf-8', ICON);
  router.get(['/sitemap.xml', '/posts/sitemap.xml'], show(sitemapOf));
  router.get('/posts/feed.xml', show(feedOf));
  router.get(
    '/posts',
    show((req) => listOf(req, null)),
  );
  router.get(
    '/posts/category/:slug',
    show((req) => listOf(req, { by: 'category', slug: slugOf(req) })),
  );
  router.get(
    '/posts/tag/:slug',
    show((req) => listOf(req, { by: 'tag', slug: slugOf(req) })),
  );
  router.get('/posts/:slug', show(postOf));
  router.get('/posts/*rest', notFound);
  return router;
};

/**
 * The public site of one workspace: `/posts` and what belongs to it, `/sitemap.xml`, `/robots.txt`, and `/` as a way to
 * `/posts`. Mount it behind what else may claim `/`.
 */
export const createSiteRouter = ({
  store,
  siteWorkspaceId,
  publicUrl,
  name = 'Taskloom',
}: SiteOptions): Router =>
  siteRouterOn(createSiteReader(store, siteWorkspaceId), { name, publicUrl: publicUrl.replace(/\/+$/, '') });
