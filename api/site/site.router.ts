import { Router, type Request, type RequestHandler, type Response } from 'express';
import { v5 as uuidv5 } from 'uuid';
import type { Store } from '../../store/store.ts';
import { sendAnswer } from './answer.ts';
import { atomFeed, robots, sitemap } from './feeds.ts';
import { createPostRenderer } from './markdown.ts';
import { path, type Site } from './page.ts';
import { listPage, notFoundPage, postPage } from './posts.pages.ts';
import { createSiteReader, type PostFilter, type SiteReader } from './reader.ts';
import { ICON, styleSheet } from './style.ts';

/** Nothing but our own style sheet and images: no script runs on these pages, whatever a post holds. */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const MAX_AGE_SECONDS = 30;
const FEED_SIZE = 20;

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const XML = 'application/xml; charset=utf-8';
const ATOM = 'application/atom+xml; charset=utf-8';

export interface SiteOptions {
  readonly store: Pick<Store, 'read'>;
  /** Resolves to the workspace whose posts the site shows; asked on every request. */
  readonly siteWorkspaceId: () => Promise<string>;
  /** Scheme and host at which readers reach the site. */
  readonly publicUrl: string;
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

/** What the site shows, from any source of posts: each resolves to `undefined` where there is nothing. */
const answersFrom = (reader: SiteReader, publicUrl: string) => {
  const render = createPostRenderer();
  /** The site as its workspace wants it now. */
  const siteNow = async (): Promise<Site> => {
    const { app_name: name, language, timezone: timeZone, theme } = await reader.settings();
    return { name, publicUrl, language, timeZone, theme };
  };
  return {
    list: async (req: Request, filter: PostFilter): Promise<Shown | undefined> => {
      const page = pageOf(req);
      if (page === undefined) return undefined;
      const [posts, categories, site] = await Promise.all([
        reader.listPosts(filter, page),
        reader.categories(),
        siteNow(),
      ]);
      return posts && { type: HTML, body: listPage(posts, filter, categories, site) };
    },
    post: async (req: Request): Promise<Shown | undefined> => {
      const [post, site] = await Promise.all([reader.findPost(slugOf(req)), siteNow()]);
      return post && { type: HTML, body: postPage(post, render(post), site) };
    },
    feed: async (): Promise<Shown> => {
      const [posts, id, site] = await Promise.all([reader.newest(FEED_SIZE), reader.siteId(), siteNow()]);
      // Feed readers keep this id for ever; the workspace's own is nobody's business.
      return { type: ATOM, body: atomFeed(posts, render, site, uuidv5('feed', id)) };
    },
    sitemap: async (): Promise<Shown> => ({
      type: XML,
      body: sitemap(await reader.sitemapEntries(), publicUrl),
    }),
    style: async (): Promise<Shown> => ({ type: CSS, body: styleSheet((await reader.settings()).theme) }),
    nothing: async (): Promise<Shown> => ({ type: HTML, body: notFoundPage(await siteNow()) }),
  };
};

/**
 * The public site on any source of posts. Its pages need neither script nor cookie, and are the same for everyone.
 * Failures of the source are left to the application's error handler.
 */
export const siteRouterOn = (reader: SiteReader, publicUrl: string): Router => {
  const router = Router();
  const answers = answersFrom(reader, publicUrl);
  const send = (req: Request, res: Response, shown: Shown, status = 200): void =>
    sendAnswer(req, res, { ...shown, status, maxAgeSeconds: MAX_AGE_SECONDS, policy: POLICY });
  const fixed = (at: string, type: string, body: string): void =>
    void router.get(at, (req, res) => send(req, res, { type, body }));
  /** What `make` resolves to, or the page for nothing. */
  const show =
    (make: (req: Request) => Promise<Shown | undefined>): RequestHandler =>
    async (req, res) => {
      const shown = await make(req);
      if (shown) send(req, res, shown);
      else send(req, res, await answers.nothing(), 404);
    };

  router.get('/', (_req, res) => res.redirect(302, path()));
  fixed('/robots.txt', 'text/plain; charset=utf-8', robots(publicUrl));
  fixed('/posts/icon.svg', 'image/svg+xml; charset=utf-8', ICON);
  router.get('/posts/style.css', show(answers.style));
  router.get(['/sitemap.xml', '/posts/sitemap.xml'], show(answers.sitemap));
  router.get('/posts/feed.xml', show(answers.feed));
  router.get(
    '/posts',
    show((req) => answers.list(req, null)),
  );
  router.get(
    '/posts/category/:slug',
    show((req) => answers.list(req, { by: 'category', slug: slugOf(req) })),
  );
  router.get(
    '/posts/tag/:slug',
    show((req) => answers.list(req, { by: 'tag', slug: slugOf(req) })),
  );
  router.get('/posts/:slug', show(answers.post));
  router.get(
    '/posts/*rest',
    show(async () => undefined),
  );
  return router;
};

/**
 * The public site of one workspace: `/posts` and what belongs to it, `/sitemap.xml`, `/robots.txt`, and `/` as a way to
 * `/posts`. Mount it behind what else may claim `/`.
 */
export const createSiteRouter = ({ store, siteWorkspaceId, publicUrl }: SiteOptions): Router =>
  siteRouterOn(createSiteReader(store, siteWorkspaceId), publicUrl.replace(/\/+$/, ''));
