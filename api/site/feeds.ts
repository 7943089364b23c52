import type { PostRow } from '../../store/content/posts.repository.ts';
import { html, path, type Html, type Site } from './page.ts';
import type { SitemapEntry } from './reader.ts';

/** The references that `html` writes are XML's, too. The name keeps formatters from taking XML for HTML. */
const xml = html;

/** Says of an empty feed when it changed: always the same, so that its ETag is, too. */
const NEVER = new Date(0);

const latest = (items: readonly { readonly updated_at: Date }[]): Date =>
  new Date(Math.max(NEVER.getTime(), ...items.map(({ updated_at }) => updated_at.getTime())));

const entry = (post: PostRow, body: string, site: Site): Html => {
  const url = `${site.publicUrl}${path(post.slug)}`;
  return xml`<entry>
<id>urn:uuid:${post.id}</id>
<title>${post.title}</title>
<link rel="alternate" type="text/html" href="${url}"/>
<published>${post.published_at.toISOString()}</published>
<updated>${post.updated_at.toISOString()}</updated>
${[post.category, ...post.tags].map((named) => named && xml`<category term="${named.slug}" label="${named.name}"/>`)}
${post.excerpt && xml`<summary>${post.excerpt}</summary>`}
<content type="html" xml:base="${url}">${body}</content>
</entry>
`;
};

/**
 * The newest posts as an Atom 1.0 feed (RFC 4287).
 * @param feedId a UUID that stays the same when the site moves.
 * @param render a post's text as sanitized HTML.
 */
export const atomFeed = (
  posts: readonly PostRow[],
  render: (post: PostRow) => string,
  site: Site,
  feedId: string,
): string =>
  xml`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="${site.language}">
<id>urn:uuid:${feedId}</id>
<title>${site.name}</title>
<link rel="self" type="application/atom+xml" href="${site.publicUrl}/posts/feed.xml"/>
<link rel="alternate" type="text/html" href="${site.publicUrl}/posts"/>
<updated>${latest(posts).toISOString()}</updated>
<author><name>${site.name}</name></author>
${posts.map((post) => entry(post, render(post), site))}</feed>
`.markup;

/** The site's addresses for search engines (sitemaps.org). The list itself counts as one. */
export const sitemap = (entries: readonly SitemapEntry[], publicUrl: string): string =>
  xml`<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>${publicUrl}${path()}</loc></url>
${entries.slice(0, 49_999).map(
  ({ slug, updated_at }) =>
    xml`<url><loc>${publicUrl}${path(slug)}</loc><lastmod>${updated_at.toISOString()}</lastmod></url>
`,
)}</urlset>
`.markup;

/** What crawlers may read (RFC 9309): the site, not the API. */
export const robots = (publicUrl: string): string => `User-agent: *
Allow: /
Disallow: /api/
Disallow: /auth/

Sitemap: ${publicUrl}/sitemap.xml
`;
