import { markdownToHtml } from '../../platform/markdown.ts';

/**
 * Renders a post's Markdown (GFM) as HTML that is safe to put into a page, whoever wrote it.
 * @param markdown may contain HTML; what is not on the allow-list is dropped.
 * @returns HTML whose headings begin at `h2`, as the page's only `h1` is the post's title. Never throws.
 */
export const renderMarkdown = (markdown: string): string =>
  // Attributes on <table> are not allowed, so this is the only form in which one can appear. Wide ones scroll.
  markdownToHtml(markdown, 2)
    .replaceAll('<table>', '<div class="table" role="region" aria-label="Table" tabindex="0"><table>')
    .replaceAll('</table>', '</table></div>');

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
