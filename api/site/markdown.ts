import { Marked, type Tokens } from 'marked';
import sanitize from 'sanitize-html';
import { escapeText } from './page.ts';

/** Headings begin here in the output: the page's only `h1` is the post's title. */
const TOP_LEVEL = 2;

const INLINE = 'a abbr b br code del em i img ins kbd mark s span strong sub sup'.split(' ');
const BLOCKS = 'blockquote dd details dl dt figcaption figure hr li ol p pre summary ul'.split(' ');
const TABLES = ['table', 'tbody', 'td', 'th', 'thead', 'tr'];
const HEADINGS = ['h2', 'h3', 'h4', 'h5', 'h6'];

const linkAttributes = (tagName: string, attribs: sanitize.Attributes): sanitize.Tag => ({
  tagName,
  attribs: { ...attribs, rel: 'noopener nofollow ugc' },
});

const imageAttributes = (tagName: string, attribs: sanitize.Attributes): sanitize.Tag => ({
  tagName,
  attribs: { ...attribs, alt: attribs['alt'] ?? '', loading: 'lazy', decoding: 'async' },
});

const RULES: sanitize.IOptions = {
  allowedTags: [...HEADINGS, ...BLOCKS, ...INLINE, ...TABLES],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    abbr: ['title'],
    details: ['open'],
    img: ['src', 'alt', 'title', 'width', 'height', 'loading', 'decoding'],
    ol: ['start'],
    td: [{ name: 'align', multiple: false, values: ['left', 'center', 'right'] }],
    th: [{ name: 'align', multiple: false, values: ['left', 'center', 'right'] }],
    ...Object.fromEntries(HEADINGS.map((tag) => [tag, ['id']])),
  },
  allowedClasses: { span: ['task'] },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesByTag: { img: ['http', 'https'] },
  allowProtocolRelative: false,
  nonTextTags: [
    'script',
    'style',
    'textarea',
    'option',
    'title',
    'iframe',
    'noscript',
    'template',
    'xmp',
    'object',
    'noembed',
    'noframes',
  ],
  transformTags: { h1: 'h2', a: linkAttributes, img: imageAttributes },
  exclusiveFilter: ({ tag, attribs }) => tag === 'img' && !attribs['src'],
};

/** The anchor that tables of contents expect for a heading, by GitHub's custom. */
const anchor = (text: string, used: Map<string, number>): string => {
  const words = text
    .toLowerCase()
    .replace(/&\w+;|[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
  const base = words || 'section';
  const n = used.get(base) ?? 0;
  used.set(base, n + 1);
  return n === 0 ? base : `${base}-${n}`;
};

const toHtml = (markdown: string): string => {
  const used = new Map<string, number>();
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const id = anchor(this.parser.parseInline(tokens, this.parser.textRenderer), used);
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      // A character instead of an <input>: nothing on the page asks to be filled in.
      checkbox: ({ checked }) => `<span class="task">${checked ? '☑' : '☐'}</span> `,
    },
  });
  const tokens = marked.lexer(markdown);
  const headings: Tokens.Heading[] = [];
  void marked.walkTokens(tokens, (token) => {
    if (token.type === 'heading') headings.push(token as Tokens.Heading);
  });
  const top = Math.min(...headings.map(({ depth }) => depth));
  for (const heading of headings) heading.depth = Math.min(heading.depth - top + TOP_LEVEL, 6);
  return marked.parser(tokens);
};

/**
 * Renders a post's Markdown (GFM) as HTML that is safe to put into a page, whoever wrote it.
 * @param markdown may contain HTML; what is not on the allow-list is dropped.
 * @returns HTML whose headings begin at `h2` and whose links and images lead to http(s), mailto or relative addresses.
 * Text that nests too deep for the parser comes back as it was typed. Never throws.
 */
export const renderMarkdown = (markdown: string): string => {
  try {
    // Attributes on <table> are not allowed, so this is the only form in which one can appear. Wide ones scroll.
    return sanitize(toHtml(markdown), RULES)
      .replaceAll('<table>', '<div class="table" role="region" aria-label="Table" tabindex="0"><table>')
      .replaceAll('</table>', '</table></div>');
  } catch (error) {
    if (error instanceof RangeError) return `<pre>${escapeText(markdown)}</pre>`;
    throw error;
  }
};

export interface RenderedPost {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly updated_at: Date;
}

/** Models like to begin a text with its title; the page shows that already. */
const withoutTitle = ({ title, body }: RenderedPost): string => {
  const first = /^\s*#[ \t]+(.+?)[ \t]*#*[ \t]*(?:\r?\n|$)/.exec(body);
  return first && first[1]?.trim() === title.trim() ? body.slice(first[0].length) : body;
};

/**
 * Makes a renderer that remembers what it rendered, oldest use out first.
 * @param maxCharacters how much HTML to keep, about.
 * @returns a function from a post to its body's HTML; a post's id and `updated_at` say whether it changed.
 */
export const createPostRenderer = (maxCharacters = 4_000_000): ((post: RenderedPost) => string) => {
  const known = new Map<string, string>();
  let kept = 0;
  return (post) => {
    const key = `${post.id} ${post.updated_at.getTime()}`;
    const rendered = known.get(key) ?? renderMarkdown(withoutTitle(post));
    if (known.delete(key)) kept -= rendered.length;
    known.set(key, rendered);
    kept += rendered.length;
    for (const [oldest, text] of known) {
      if (kept <= maxCharacters) break;
      known.delete(oldest);
      kept -= text.length;
    }
    return rendered;
  };
};
