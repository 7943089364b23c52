import { Marked, type Token, type Tokens } from 'marked';
import { htmlOfTokens, lexMarkdown, markdownToHtml, textOfHtml } from '../../../platform/markdown.ts';
import { readMarkdown } from './read.ts';
import { asMail, withTitle } from './styles.ts';
import { toMarkdown } from './to-markdown.ts';

/** A post: its headings begin below the title of the page that it is put into. */
export const blogHtml = (markdown: string): string => markdownToHtml(markdown, 2);

const HEADING = /<h([1-6]) id="([^"]*)">([\s\S]*?)<\/h\1>/g;

const linkTo = (id: string, inner: string): string => `<a href="#${id}">${textOfHtml(inner).trim()}</a>`;

/** The table of contents of rendered HTML, out of the anchors that it has. */
const contentsOf = (html: string): string => {
  const entries = [...html.matchAll(HEADING)].filter(([, depth]) => depth === '2' || depth === '3');
  if (entries.length === 0) return '';
  const items: { link: string; below: string[] }[] = [];
  for (const [, depth, id = '', inner = ''] of entries) {
    const last = items.at(-1);
    const link = linkTo(id, inner);
    if (depth === '3' && last) last.below.push(`<li>${link}</li>`);
    else items.push({ link, below: [] });
  }
  const list = items.map(({ link, below }) =>
    below.length === 0 ? `<li>${link}</li>` : `<li>${link}\n<ul>\n${below.join('\n')}\n</ul>\n</li>`,
  );
  return `<p><strong>Contents</strong></p>\n<ul>\n${list.join('\n')}\n</ul>\n`;
};

/** The title as a token of its own, and the rest with all its headings below it. */
const titled = (tokens: readonly Token[], markdown: string): { title: Token[]; rest: Token[] } => {
  const rest = tokens.filter(({ type }) => type !== 'space');
  const [first] = rest;
  const isHeading = (token: Token | undefined): token is Tokens.Heading => token?.type === 'heading';
  const title = isHeading(first)
    ? [{ ...first, depth: 1 }]
    : lexMarkdown(toMarkdown([withTitle(readMarkdown(markdown)).title]));
  const others = isHeading(first) ? rest.slice(1) : rest;
  const headings = others.filter(isHeading);
  const highest = Math.min(...headings.map(({ depth }) => depth));
  for (const heading of headings) heading.depth = Math.min(heading.depth - highest + 2, 6);
  return { title, rest: others };
};

/** A page of its own: title, table of contents, text. @throws RangeError when it nests too deep. */
export const documentationHtml = (markdown: string): string => {
  const { title, rest } = titled(lexMarkdown(markdown), markdown);
  const html = htmlOfTokens([...title, ...rest], 1);
  const end = html.indexOf('</h1>') + '</h1>'.length;
  return `${html.slice(0, end)}\n${contentsOf(html)}${html.slice(end).replace(/^\n/, '')}`;
};

/** A mail: no pictures, no links but their addresses as text. @throws RangeError when it nests too deep. */
export const mailHtml = (markdown: string): string => {
  const tokens = lexMarkdown(toMarkdown(asMail(readMarkdown(markdown))));
  void new Marked({ gfm: true }).walkTokens(tokens, (token) => {
    // Readers of Markdown make links of bare addresses.
    if (token.type === 'link') token.type = 'text';
  });
  return htmlOfTokens(tokens, 1);
};
