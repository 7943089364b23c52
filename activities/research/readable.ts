import sanitize from 'sanitize-html';
import { plainLine } from '../../domain/research/source.ts';
import { isoTime } from './shape.ts';

export interface Readable {
  /** Paragraphs on lines of their own. */
  readonly text: string;
  readonly title: string | null;
  readonly publisher: string | null;
  readonly publishedAt: string | null;
}

const BLOCKS = [
  'p',
  'li',
  'blockquote',
  'dd',
  'td',
  'pre',
  'div',
  'section',
  'br',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
];
const REGIONS = ['main', 'article'];
/** What stands on a page beside its text. */
const ASIDE =
  'script style noscript template svg math nav header footer aside form button select option textarea iframe object video audio canvas figure dialog menu title'.split(
    ' ',
  );
const MIN_CHARS = 60;
/** Above this share of linked text, a block is a menu. */
const MAX_LINKED = 0.5;
const MAX_DEPTH = 200;

const RULES: sanitize.IOptions = {
  allowedTags: [...BLOCKS, ...REGIONS, 'a'],
  allowedAttributes: {},
  nonTextTags: ASIDE,
  nestingLimit: MAX_DEPTH,
};

const withoutTags = (html: string): string =>
  html
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');

/** A piece of HTML as the text that it shows. */
export const plainFromHtml = (html: string): string =>
  plainLine(withoutTags(sanitize(html, { allowedTags: [], allowedAttributes: {}, nonTextTags: ASIDE })));

const linkedChars = (block: string): number =>
  [...block.matchAll(/<a>([^<]*)/g)].reduce((sum, match) => sum + (match[1]?.length ?? 0), 0);

const isText = (block: string, text: string): boolean =>
  text.length >= MIN_CHARS && /[.!?。！？]/.test(text) && linkedChars(block) <= text.length * MAX_LINKED;

const textOf = (html: string): string =>
  html
    .split(/<\/?(?!a>)[a-z][a-z0-9]*(?: \/)?>/)
    .map((block) => ({ block, text: plainLine(withoutTags(block)) }))
    .filter(({ block, text }) => isText(block, text))
    .map(({ text }) => text)
    .join('\n');

/** The longest piece that a page itself calls its main one. */
const regionOf = (html: string, tag: string): string =>
  html
    .split(`<${tag}>`)
    .slice(1)
    .map((rest) => rest.split(`</${tag}>`)[0] ?? '')
    .reduce((longest, region) => (region.length > longest.length ? region : longest), '');

const HEAD_CHARS = 200_000;
const META = /<meta\b[^>]{1,600}>/gi;

/** The content of the first `meta` of one of these names. */
const metaOf = (head: string, ...names: readonly string[]): string | null => {
  for (const [tag] of head.matchAll(META)) {
    const name = /\b(?:property|name|itemprop)\s*=\s*["']?([^"'\s>]+)/i.exec(tag)?.[1]?.toLowerCase();
    const content = /\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(tag);
    const value = content?.[1] ?? content?.[2];
    if (name !== undefined && names.includes(name) && value) return plainFromHtml(value) || null;
  }
  return null;
};

const MAX_CHARS = 1_000_000;
/** The parser's time grows with the square of the depth, and no page can be deeper than it has tags. */
const MAX_TAGS = 30_000;

/** The beginning of a page that is read in a fraction of a second, whatever somebody made of it. */
const bounded = (html: string): string => {
  const text = html.slice(0, MAX_CHARS);
  let tags = 0;
  for (const tag of text.matchAll(/<[a-z!?]/gi)) if ((tags += 1) > MAX_TAGS) return text.slice(0, tag.index);
  return text;
};

/** The readable text of an HTML page: its paragraphs without menus, forms and code, and what it says of itself. */
export const readable = (html: string): Readable => {
  const head = html.slice(0, HEAD_CHARS);
  const clean = sanitize(bounded(html), RULES);
  const regions = REGIONS.map((tag) => textOf(regionOf(clean, tag)));
  const title = /<title\b[^>]{0,500}>([^<]{1,1000})</i.exec(head)?.[1];
  return {
    text: regions.find((text) => text !== '') ?? textOf(clean),
    title: metaOf(head, 'og:title') ?? (title === undefined ? null : plainFromHtml(title) || null),
    publisher: metaOf(head, 'og:site_name'),
    publishedAt: isoTime(
      metaOf(head, 'article:published_time', 'datepublished', 'citation_publication_date', 'date'),
    ),
  };
};
