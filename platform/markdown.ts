import { Marked, type Token, type Tokens } from 'marked';
import sanitize from 'sanitize-html';

/** Where headings begin in the output: 2 below a page's own title, 1 where there is none around. */
export type TopLevel = 1 | 2;

const INLINE = 'a abbr b br code del em i img ins kbd mark s span strong sub sup'.split(' ');
const BLOCKS = 'blockquote dd details dl dt figcaption figure hr li ol p pre summary ul'.split(' ');
const TABLES = ['table', 'tbody', 'td', 'th', 'thead', 'tr'];
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
const NOT_TEXT =
  'script style textarea option title iframe noscript template xmp object noembed noframes'.split(' ');

const linkAttributes = (tagName: string, attribs: sanitize.Attributes): sanitize.Tag => ({
  tagName,
  attribs: { ...attribs, rel: 'noopener nofollow ugc' },
});

const imageAttributes = (tagName: string, attribs: sanitize.Attributes): sanitize.Tag => ({
  tagName,
  attribs: { ...attribs, alt: attribs['alt'] ?? '', loading: 'lazy', decoding: 'async' },
});

const rulesFrom = (top: TopLevel): sanitize.IOptions => {
  const headings = HEADINGS.slice(top - 1);
  return {
    allowedTags: [...headings, ...BLOCKS, ...INLINE, ...TABLES],
    allowedAttributes: {
      a: ['href', 'title', 'rel'],
      abbr: ['title'],
      details: ['open'],
      img: ['src', 'alt', 'title', 'width', 'height', 'loading', 'decoding'],
      ol: ['start'],
      td: [{ name: 'align', multiple: false, values: ['left', 'center', 'right'] }],
      th: [{ name: 'align', multiple: false, values: ['left', 'center', 'right'] }],
      ...Object.fromEntries(headings.map((tag) => [tag, ['id']])),
    },
    allowedClasses: { span: ['task'] },
    allowedSchemes: ['http', 'https', 'mailto'],
    allowedSchemesByTag: { img: ['http', 'https'] },
    allowProtocolRelative: false,
    nonTextTags: NOT_TEXT,
    transformTags: { ...(top === 1 ? {} : { h1: 'h2' }), a: linkAttributes, img: imageAttributes },
    exclusiveFilter: ({ tag, attribs }) => tag === 'img' && !attribs['src'],
  };
};

const RULES: Readonly<Record<TopLevel, sanitize.IOptions>> = { 1: rulesFrom(1), 2: rulesFrom(2) };

/** The words of HTML without its tags, escaped as HTML; what a browser would not show as text is gone. */
export const textOfHtml = (html: string): string =>
  sanitize(html, { allowedTags: [], allowedAttributes: {}, nonTextTags: NOT_TEXT });

/** The anchor that tables of contents expect for a heading, by GitHub's custom. @param used counts the anchors before it */
export const anchorOf = (heading: string, used: Map<string, number>): string => {
  const words = heading
    .toLowerCase()
    .replace(/&\w+;|[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
  const base = words || 'section';
  const n = used.get(base) ?? 0;
  used.set(base, n + 1);
  return n === 0 ? base : `${base}-${n}`;
};

/** A parser that gives every heading its anchor. */
const markedWithAnchors = (): Marked => {
  const used = new Map<string, number>();
  return new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const id = anchorOf(this.parser.parseInline(tokens, this.parser.textRenderer), used);
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      // A character instead of an <input>: nothing on the page asks to be filled in.
      checkbox: ({ checked }) => `<span class="task">${checked ? '☑' : '☐'}</span> `,
    },
  });
};

/** The tokens of a Markdown text (GFM). @throws RangeError for a text that nests too deep. */
export const lexMarkdown = (markdown: string): Token[] => new Marked({ gfm: true }).lexer(markdown);

/** Every heading among tokens, those inside quotes and lists too, in their order. */
export const headingsAmong = (tokens: Token[]): Tokens.Heading[] => {
  const headings: Tokens.Heading[] = [];
  void new Marked({ gfm: true }).walkTokens(tokens, (token) => {
    if (token.type === 'heading') headings.push(token as Tokens.Heading);
  });
  return headings;
};

/**
 * Renders tokens as HTML that is safe to put into a page, whoever wrote them: what is not on the allow-list is dropped.
 * Headings begin at `top`; links and images lead to http(s), mailto or relative addresses.
 */
export const htmlOfTokens = (tokens: Token[], top: TopLevel): string => {
  const headings = headingsAmong(tokens);
  const highest = Math.min(...headings.map(({ depth }) => depth));
  for (const heading of headings) heading.depth = Math.min(heading.depth - highest + top, 6);
  return sanitize(markedWithAnchors().parser(tokens), RULES[top]);
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that XML 1.0 forbids even as references, and HTML has no use for. */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/**
 * @param text anything.
 * @returns the text as HTML or XML shows it, between tags and in quoted attributes.
 */
export const escapeText = (text: string): string =>
  text
    .toWellFormed()
    .replace(FORBIDDEN, '')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

/** Markdown as safe HTML. Text that nests too deep for the parser comes back as it was typed. Never throws. */
export const markdownToHtml = (markdown: string, top: TopLevel): string => {
  try {
    return htmlOfTokens(lexMarkdown(markdown), top);
  } catch (error) {
    if (error instanceof RangeError) return `<pre>${escapeText(markdown)}</pre>`;
    throw error;
  }
};
