import type { JsonObject } from '../json.ts';

/** What a person or a model writes of one piece of content. */
export interface Draft {
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  readonly excerpt: string | null;
  readonly featuredImageUrl: string | null;
  readonly seoTitle: string | null;
  readonly seoDescription: string | null;
}

/** The fields that an edit may name, as they are called on the wire. */
const WIRE_FIELDS = {
  title: 'title',
  content: 'body',
  excerpt: 'excerpt',
  featured_image_url: 'featuredImageUrl',
  seo_title: 'seoTitle',
  seo_description: 'seoDescription',
} as const satisfies Record<string, keyof Draft>;

/** The draft after an edit: fields that the edit does not name stay as they are. */
export const applyEdits = (draft: Draft, edits: JsonObject): Draft => {
  const changed = Object.entries(WIRE_FIELDS).flatMap(([wire, field]) =>
    edits[wire] === undefined ? [] : [[field, edits[wire]]],
  );
  return { ...draft, ...(Object.fromEntries(changed) as Partial<Draft>) };
};

export const sameDraft = (a: Draft, b: Draft): boolean =>
  Object.values(WIRE_FIELDS).every((field) => a[field] === b[field]);

const plain = (markdown: string): string =>
  markdown
    .replace(/^#+ .*$/gm, '')
    .replace(/[*_`>[\]]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

/** The first words of a text without its headings, cut at a word. */
export const excerptOf = (markdown: string, maxLength = 200): string => {
  const text = plain(markdown);
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength).replace(/\s+\S*$/, '')}…`;
};
