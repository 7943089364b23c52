import type { Theme } from '../../domain/settings/theme.ts';
import { escapeText } from '../../platform/markdown.ts';
import { schemesOf } from './style.ts';

/** Text that is already HTML. Only `html` and `raw` make it. */
export interface Html {
  readonly markup: string;
}

type Part = Html | string | number | null | undefined | false | readonly Part[];

const isHtml = (part: object): part is Html => 'markup' in part;

const markupOf = (part: Part): string => {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string') return escapeText(part);
  if (typeof part === 'number') return String(part);
  return isHtml(part) ? part.markup : part.map(markupOf).join('');
};

/**
 * Builds HTML from a template; everything interpolated is escaped unless it is `Html` itself. Lists are joined, and
 * `null`, `undefined` and `false` leave nothing. Quote attributes: html`<a href="${url}">${name}</a>`.
 */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  markup: strings.reduce((text, string, i) => text + markupOf(parts[i - 1]) + string),
});

/** Takes HTML as it is. For sanitized HTML and our own alone. */
export const raw = (markup: string): Html => ({ markup });

/**
 * @param data anything that JSON can say.
 * @returns JSON that can stand inside a `<script>` data block: nothing in it can end the block or begin a comment.
 */
export const jsonForScript = (data: object): Html =>
  raw(
    JSON.stringify(data).replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );

export interface Site {
  readonly name: string;
  /** Scheme and host, without a slash at the end; the site's pages lie at its root. */
  readonly publicUrl: string;
  /** Of the posts: a BCP 47 tag. */
  readonly language: string;
  /** In which dates are shown: a name of the tz database. */
  readonly timeZone: string;
  readonly theme: Theme;
}

/** The path of a page: `path('category', slug)` is `/posts/category/<slug, encoded>`. */
export const path = (...segments: readonly string[]): string =>
  ['/posts', ...segments.map((segment) => encodeURIComponent(segment.toWellFormed()))].join('/');

export interface PageContent {
  readonly title: string;
  /** Where the page really lives, as a path; `null` for pages that are not to be found, like errors. */
  readonly canonical: string | null;
  readonly description?: string | null;
  /** More for the head. */
  readonly head?: Html;
  readonly main: Html;
}

/**
 * The frame of every page of the site.
 * @returns a whole document, without scripts and without inline styles.
 */
export const renderPage = (page: PageContent, site: Site): string => {
  const title = page.title === site.name ? site.name : `${page.title} · ${site.name}`;
  const document = html`<!doctype html>
    <html lang="${site.language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${page.description && html`<meta name="description" content="${page.description}" />`}
        ${page.canonical === null ? html`<meta name="robots" content="noindex" />` : html`<link rel="canonical" href="${site.publicUrl}${page.canonical}" />`}
        <meta name="color-scheme" content="${schemesOf(site.theme.scheme)}" />
        <link rel="stylesheet" href="/posts/style.css" />
        <link rel="icon" type="image/svg+xml" href="/posts/icon.svg" />
        <link rel="alternate" type="application/atom+xml" title="${site.name}" href="/posts/feed.xml" />
        ${page.head}
      </head>
      <body>
        <a class="skip" href="#content">Skip to the text</a>
        <header class="site"><a href="/posts" rel="home">${site.name}</a></header>
        <main id="content" tabindex="-1">${page.main}</main>
        <footer class="site">
          <p>${site.name}</p>
          <nav aria-label="Site"><a href="/posts">All posts</a> <a href="/posts/feed.xml">Feed</a></nav>
        </footer>
      </body>
    </html> `;
  return document.markup;
};
