import type { Token, Tokens } from 'marked';
import { lexMarkdown, textOfHtml } from '../../../platform/markdown.ts';
import { safeAddress } from './addresses.ts';
import { decodeEntities } from './entities.ts';
import { joined, textNode, type Block, type Inline, type ListItem } from './tree.ts';

const spaces = (text: string): string => text.replace(/[ \t\r\n\f\v]+/g, ' ');

/** What stands between these tags is no text. */
const HIDDEN =
  /^<(\/?)(?:script|style|textarea|title|iframe|noscript|template|xmp|object|noembed|noframes)\b/i;

const linkOf = ({ href, title, tokens }: Tokens.Link): Inline[] => {
  const children = inlinesOf(tokens);
  const address = safeAddress(href, 'link');
  if (address === undefined) return children;
  return [{ kind: 'link', href: address, title: spaces(decodeEntities(title ?? '')).trim(), children }];
};

const imageOf = ({ href, title, text }: Tokens.Image): Inline[] => {
  const alt = spaces(decodeEntities(text)).trim();
  const src = safeAddress(href, 'image');
  if (src === undefined) return alt === '' ? [] : [textNode(alt)];
  return [{ kind: 'image', src, alt, title: spaces(decodeEntities(title ?? '')).trim() }];
};

const inlineOf = (token: Token): Inline[] => {
  switch (token.type) {
    case 'text':
      return [textNode(decodeEntities(spaces(token.text)))];
    case 'escape':
      return [textNode(token.text)];
    case 'codespan':
      return [{ kind: 'code', text: spaces(token.text) }];
    case 'em':
    case 'strong':
    case 'del':
      return [{ kind: token.type, children: inlinesOf(token.tokens ?? []) }];
    case 'link':
      return linkOf(token as Tokens.Link);
    case 'image':
      return imageOf(token as Tokens.Image);
    case 'br':
      return [{ kind: 'break' }];
    default:
      return [];
  }
};

const inlinesOf = (tokens: readonly Token[]): Inline[] => {
  let hidden = false;
  const found = tokens.flatMap((token): Inline[] => {
    if (token.type !== 'html') return hidden ? [] : inlineOf(token);
    const tag = HIDDEN.exec(token.raw);
    if (tag) hidden = tag[1] === '';
    return /^<br\b/i.test(token.raw) ? [{ kind: 'break' }] : [];
  });
  return joined(found);
};

const itemOf = (item: Tokens.ListItem): ListItem => ({
  done: item.task ? item.checked === true : null,
  blocks: blocksOf(item.tokens),
});

const listOf = ({ ordered, start, loose, items }: Tokens.List): Block => ({
  kind: 'list',
  start: ordered ? Math.min(Number(start) || 0, 999_999) : null,
  loose,
  items: items.map(itemOf),
});

const tableOf = ({ align, header, rows }: Tokens.Table): Block => ({
  kind: 'table',
  align,
  header: header.map(({ tokens }) => inlinesOf(tokens)),
  rows: rows.map((row) => row.map(({ tokens }) => inlinesOf(tokens))),
});

/** The words of HTML, paragraph by paragraph. */
const htmlOf = (raw: string): Block[] =>
  decodeEntities(textOfHtml(raw))
    .split(/\n\s*\n/)
    .map((text) => spaces(text).trim())
    .filter((text) => text !== '')
    .map((text) => ({ kind: 'paragraph', children: [textNode(text)] }));

const LANGUAGE = /^[\w+#.-]{1,40}$/;

const blockOf = (token: Token): Block[] => {
  switch (token.type) {
    case 'heading': {
      const children = inlinesOf(token.tokens ?? []);
      return children.length === 0 ? [] : [{ kind: 'heading', depth: token.depth, children }];
    }
    case 'paragraph':
    case 'text': {
      const children = token.tokens
        ? inlinesOf(token.tokens)
        : [textNode(decodeEntities(spaces(token.text)))];
      return children.length === 0 ? [] : [{ kind: 'paragraph', children }];
    }
    case 'code': {
      const [lang = ''] = String(token.lang ?? '').split(/\s/);
      return [{ kind: 'code', lang: LANGUAGE.test(lang) ? lang : '', text: String(token.text) }];
    }
    case 'blockquote':
      return [{ kind: 'quote', blocks: blocksOf(token.tokens ?? []) }];
    case 'list':
      return [listOf(token as Tokens.List)];
    case 'table':
      return [tableOf(token as Tokens.Table)];
    case 'hr':
      return [{ kind: 'rule' }];
    case 'html':
      return htmlOf(token.raw);
    default:
      return [];
  }
};

const blocksOf = (tokens: readonly Token[]): Block[] => tokens.flatMap(blockOf);

/** Reads a Markdown text (GFM). @throws RangeError when it nests too deep. */
export const readMarkdown = (markdown: string): Block[] =>
  blocksOf(lexMarkdown(markdown.toWellFormed().replaceAll('\0', '')));
