import { sizeName } from '../../domain/media/image.ts';
import type { NamedRow, PostRow } from '../../store/content/posts.repository.ts';
import { html, jsonForScript, path, raw, renderPage, type Html, type Site } from './page.ts';
import type { PostFilter, PostList } from './reader.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

/** How a site writes days; made once, as making one takes longer than a page. */
const dayFormat = ({ language, timeZone }: Site): Intl.DateTimeFormat => {
  const name = `${language} ${timeZone}`;
  const format = formats.get(name) ?? new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone });
  formats.set(name, format);
  return format;
};

const when = (date: Date, site: Site): Html =>
  html`<time datetime="${date.toISOString()}">${dayFormat(site).format(date)}</time>`;

const categoryLink = (category: NamedRow): Html =>
  html`<a href="${path('category', category.slug)}">${category.name}</a>`;

/** An image's address if it is one that a page may load, else `null`. */
const imageUrl = (url: string | null, base: string): string | null => {
  if (url === null) return null;
  const parsed = URL.parse(url, base);
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed.href : null;
};

const describe = (post: PostRow): string | null => post.seo_description ?? post.excerpt;

const article = (post: PostRow, site: Site, url: string, image: string | null): object => ({
  '@context': 'https://schema.org',
  '@type': 'Article',
  headline: post.seo_title ?? post.title,
  description: describe(post) ?? undefined,
  image: image ?? undefined,
  datePublished: post.published_at.toISOString(),
  dateModified: post.updated_at.toISOString(),
  mainEntityOfPage: url,
  author: { '@type': 'Organization', name: site.name, url: `${site.publicUrl}/posts` },
  publisher: { '@type': 'Organization', name: site.name },
  articleSection: post.category?.name,
  keywords: post.tags.map(({ name }) => name),
});

const postHead = (post: PostRow, site: Site): Html => {
  const url = `${site.publicUrl}${path(post.slug)}`;
  const image = imageUrl(post.featured_image_url, url);
  const description = describe(post);
  return html`<meta property="og:type" content="article" />
    <meta property="og:site_name" content="${site.name}" />
    <meta property="og:title" content="${post.seo_title ?? post.title}" />
    <meta property="og:url" content="${url}" />
    ${description && html`<meta property="og:description" content="${description}" />`}
    ${image && html`<meta property="og:image" content="${image}" />`}
    <meta property="article:published_time" content="${post.published_at.toISOString()}" />
    <meta property="article:modified_time" content="${post.updated_at.toISOString()}" />
    ${post.category && html`<meta property="article:section" content="${post.category.name}" />`}
    ${post.tags.map(({ name }) => html`<meta property="article:tag" content="${name}" />`)}
    <meta name="twitter:card" content="${image ? 'summary_large_image' : 'summary'}" />
    <script type="application/ld+json">
      ${jsonForScript(article(post, site, url, image))}
    </script>`;
};

/** The post's image: one of ours with its words and sizes, any other without. */
const leadImage = (address: string, known: PostRow['featured_image']): Html => {
  if (!known) return html`<img class="lead" src="${address}" alt="" />`;
  const at = (name: string): string => address.replace(/[^/]+$/, name);
  const sizes = known.sizes.map(({ width }) => `${at(sizeName(width))} ${width}w`).join(', ');
  return html`<img
    class="lead"
    src="${address}"
    srcset="${sizes}"
    sizes="(min-width: 48rem) 46rem, 100vw"
    width="${String(known.width)}"
    height="${String(known.height)}"
    alt="${known.alt}"
  />`;
};

/**
 * The page of one post.
 * @param body the post's text as sanitized HTML (`renderMarkdown`).
 * @returns a whole document.
 */
export const postPage = (post: PostRow, body: string, site: Site): string => {
  const image = imageUrl(post.featured_image_url, `${site.publicUrl}${path(post.slug)}`);
  // Published and changed are stamped together at first, a moment apart at most.
  const changed = post.updated_at.getTime() - post.published_at.getTime() > 24 * 3_600_000;
  const main = html`<article>
    <header class="post">
      <p class="facts">
        ${when(post.published_at, site)}${post.category && html` <span class="in">in ${categoryLink(post.category)}</span>`}
      </p>
      <h1 dir="auto">${post.title}</h1>
    </header>
    ${image && leadImage(image, post.featured_image)}
    <div class="prose" dir="auto">${raw(body)}</div>
    <footer class="post">
      ${
        post.tags.length > 0 &&
        html`<ul class="tags" aria-label="Tags">
          ${post.tags.map((tag) => html`<li><a href="${path('tag', tag.slug)}" rel="tag">${tag.name}</a></li>`)}
        </ul>`
      }
      ${changed && html`<p class="facts">Last changed ${when(post.updated_at, site)}</p>`}
    </footer>
  </article>`;
  return renderPage(
    {
      title: post.seo_title ?? post.title,
      canonical: path(post.slug),
      description: describe(post),
      head: postHead(post, site),
      main,
    },
    site,
  );
};

const listItem = (post: PostRow, site: Site): Html =>
  html`<li>
    <article>
      <p class="facts">
        ${when(post.published_at, site)}${post.category && html` <span class="in">in ${categoryLink(post.category)}</span>`}
      </p>
      <h2 dir="auto"><a href="${path(post.slug)}">${post.title}</a></h2>
      ${post.excerpt && html`<p class="excerpt" dir="auto">${post.excerpt}</p>`}
    </article>
  </li> `;

const listPath = (filter: PostFilter): string => (filter ? path(filter.by, filter.slug) : path());

const pageLink = (filter: PostFilter, page: number): string =>
  page === 1 ? listPath(filter) : `${listPath(filter)}?page=${page}`;

const pager = (list: PostList, filter: PostFilter): Html | false =>
  (list.page > 1 || list.hasMore) &&
  html`<nav class="pager" aria-label="Pages">
    <span
      >${list.page > 1 && html`<a rel="prev" href="${pageLink(filter, list.page - 1)}">← Newer posts</a>`}</span
    >
    <span class="facts">Page ${list.page}${list.pages !== null && ` of ${list.pages}`}</span>
    <span
      >${list.hasMore && html`<a rel="next" href="${pageLink(filter, list.page + 1)}">Older posts →</a>`}</span
    >
  </nav>`;

const shelf = (categories: readonly NamedRow[], current: NamedRow | null): Html | false =>
  categories.length > 0 &&
  html`<nav class="shelf" aria-label="Categories">
    <ul>
      ${categories.map(
        ({ name, slug }) =>
          html`<li>
            <a href="${path('category', slug)}" ${current?.slug === slug && raw(' aria-current="page"')}
              >${name}</a
            >
          </li>`,
      )}
    </ul>
  </nav>`;

/**
 * A page of a list: all posts, or those of a category or tag.
 * @param filter which posts, with the slug as the address spells it; the canonical address has the stored one.
 * @returns a whole document.
 */
export const listPage = (
  list: PostList,
  filter: PostFilter,
  categories: readonly NamedRow[],
  site: Site,
): string => {
  const stored = filter && list.of ? { by: filter.by, slug: list.of.slug } : null;
  const name = list.of?.name ?? site.name;
  const kind = filter?.by === 'tag' ? 'Tag' : 'Category';
  const main = html`<header class="list">
      ${list.of && html`<p class="facts">${kind}</p>`}
      <h1 dir="auto">${list.of ? name : 'Posts'}</h1>
      ${shelf(categories, filter?.by === 'category' ? list.of : null)}
    </header>
    ${
      list.posts.length === 0
        ? html`<p class="empty">Nothing has been published yet.</p>`
        : html`<ol class="posts">
            ${list.posts.map((post) => listItem(post, site))}
          </ol>`
    }
    ${pager(list, stored)}`;
  return renderPage(
    {
      title: list.page > 1 ? `${name}, page ${list.page}` : name,
      canonical: pageLink(stored, list.page),
      description: list.of ? `Posts in ${name} on ${site.name}.` : `The newest posts on ${site.name}.`,
      head: html`<meta property="og:type" content="website" />
        <meta property="og:site_name" content="${site.name}" />
        <meta property="og:title" content="${name}" />
        <meta property="og:url" content="${site.publicUrl}${pageLink(stored, list.page)}" />
        ${list.page > 1 && html`<link rel="prev" href="${pageLink(stored, list.page - 1)}" />`}
        ${list.hasMore && html`<link rel="next" href="${pageLink(stored, list.page + 1)}" />`}`,
      main,
    },
    site,
  );
};

/** The page for an address at which there is nothing. To be sent with status 404. */
export const notFoundPage = (site: Site): string =>
  renderPage(
    {
      title: 'Not found',
      canonical: null,
      main: html`<header class="list">
          <p class="facts">404</p>
          <h1>There is nothing here</h1>
        </header>
        <p class="empty">The post may have been withdrawn, or the address has a typing error.</p>
        <p><a href="/posts">See all posts</a></p>`,
    },
    site,
  );
