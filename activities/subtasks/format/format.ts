import { escapeText } from '../../../platform/markdown.ts';
import { asTyped, normalised } from './normalise.ts';
import { readMarkdown } from './read.ts';
import { asMail, contentsOf, withTitle } from './styles.ts';
import { blogHtml, documentationHtml, mailHtml } from './to-html.ts';
import { toMarkdown } from './to-markdown.ts';
import { toRst } from './to-rst.ts';
import { MAIL_WIDTH } from './wrap.ts';

export type Format = 'markdown' | 'html' | 'rst';
export type FormatStyle = 'blog' | 'documentation' | 'email';

export interface FormatWish {
  /** Markdown (GFM). */
  readonly content: string;
  readonly format: Format;
  readonly style: FormatStyle;
}

type Write = (content: string) => string;

const MAIL = { width: MAIL_WIDTH };
const RST_CONTENTS = '.. contents:: Contents\n   :depth: 2';

const documentationMarkdown: Write = (content) => {
  const documented = withTitle(readMarkdown(content));
  return toMarkdown([documented.title, ...contentsOf(documented), ...documented.body]);
};

const documentationRst: Write = (content) => {
  const { title, body } = withTitle(readMarkdown(content));
  const hasSections = body.some(({ kind }) => kind === 'heading');
  return toRst([title, ...body], { width: null }, hasSections ? RST_CONTENTS : '');
};

const WRITERS: Readonly<Record<Format, Readonly<Record<FormatStyle, Write>>>> = {
  markdown: {
    blog: normalised,
    documentation: documentationMarkdown,
    email: (content) => toMarkdown(asMail(readMarkdown(content)), MAIL),
  },
  html: { blog: blogHtml, documentation: documentationHtml, email: mailHtml },
  rst: {
    blog: (content) => toRst(readMarkdown(content)),
    documentation: documentationRst,
    email: (content) => toRst(asMail(readMarkdown(content)), MAIL),
  },
};

const AS_TYPED: Readonly<Record<Format, Write>> = {
  markdown: asTyped,
  html: (content) => `<pre>${escapeText(content)}</pre>\n`,
  rst: (content) => `::\n\n${content.replace(/^/gm, '   ')}\n`,
};

/**
 * Brings a Markdown text into another form.
 * @returns the text as it was typed, inside a block of code, where it nests too deep to be read
 */
export const formatText = ({ content, format, style }: FormatWish): string => {
  const text = content.replace(/\r\n?/g, '\n').toWellFormed().replaceAll('\0', '');
  try {
    return WRITERS[format][style](text);
  } catch (error) {
    if (error instanceof RangeError) return AS_TYPED[format](text);
    throw error;
  }
};
