import { anchorOf } from '../../../platform/markdown.ts';
import { shortened } from '../../../domain/research/source.ts';
import {
  headingsIn,
  joined,
  plainText,
  textNode,
  type Block,
  type Cell,
  type Heading,
  type Inline,
  type ListItem,
} from './tree.ts';

const MAX_TITLE_CHARS = 80;
/** Headings below the title that a table of contents names: two levels of them. */
const DEEPEST_ENTRY = 3;

export interface Documented {
  readonly title: Heading;
  readonly body: readonly Block[];
}

const firstWords = (blocks: readonly Block[]): string => {
  for (const block of blocks) {
    const text = block.kind === 'paragraph' ? plainText(block.children).trim() : '';
    if (text !== '') return shortened(text, MAX_TITLE_CHARS);
  }
  return 'Untitled';
};

/** The title, which is the first heading where a text begins with one, else its first words, and all other headings below it. */
export const withTitle = (blocks: readonly Block[]): Documented => {
  const [first, ...others] = blocks;
  const hasTitle = first?.kind === 'heading';
  const title: Heading = {
    kind: 'heading',
    depth: 1,
    children: hasTitle ? first.children : [textNode(firstWords(blocks))],
  };
  const rest = hasTitle ? others : blocks;
  const highest = Math.min(...rest.flatMap((block) => (block.kind === 'heading' ? [block.depth] : [])));
  const body = rest.map((block) =>
    block.kind === 'heading' ? { ...block, depth: Math.min(block.depth - highest + 2, 6) } : block,
  );
  return { title, body };
};

interface Entry {
  readonly depth: number;
  readonly text: string;
  readonly anchor: string;
}

const entriesOf = ({ title, body }: Documented): Entry[] => {
  const used = new Map<string, number>();
  const anchors = new Map<Heading, string>();
  for (const heading of headingsIn([title, ...body]))
    anchors.set(heading, anchorOf(plainText(heading.children), used));
  return body.flatMap((block) => {
    if (block.kind !== 'heading' || block.depth > DEEPEST_ENTRY) return [];
    return [{ depth: block.depth, text: plainText(block.children).trim(), anchor: anchors.get(block) ?? '' }];
  });
};

const linkTo = ({ text, anchor }: Entry): Block => ({
  kind: 'paragraph',
  children: [{ kind: 'link', href: `#${anchor}`, title: '', children: [textNode(text)] }],
});

const listOf = (items: readonly ListItem[]): Block => ({ kind: 'list', start: null, loose: false, items });

/** The table of contents of a text whose anchors are those of its headings; nothing where it has no headings. */
export const contentsOf = (documented: Documented): Block[] => {
  const items: { entry: Entry; below: ListItem[] }[] = [];
  for (const entry of entriesOf(documented)) {
    const last = items.at(-1);
    const item: ListItem = { done: null, blocks: [linkTo(entry)] };
    if (entry.depth > 2 && last) last.below.push(item);
    else items.push({ entry, below: [] });
  }
  if (items.length === 0) return [];
  const list = items.map(({ entry, below }): ListItem => ({
    done: null,
    blocks: [linkTo(entry), ...(below.length > 0 ? [listOf(below)] : [])],
  }));
  return [
    { kind: 'paragraph', children: [{ kind: 'strong', children: [textNode('Contents')] }] },
    listOf(list),
  ];
};

/** Inline content as a mail says it: words alone, links with their address behind them, no pictures. */
const saidInMail = (inlines: readonly Inline[]): Inline[] =>
  joined(
    inlines.flatMap((inline): Inline[] => {
      switch (inline.kind) {
        case 'text':
        case 'code':
          return [textNode(inline.text)];
        case 'break':
          return [inline];
        case 'image':
          return [];
        case 'link': {
          const text = plainText(saidInMail(inline.children)).trim();
          const address = inline.href.replace(/^mailto:/i, '');
          if (text === '' || text === address || text === inline.href) return [textNode(address)];
          // An anchor inside the text leads nowhere in a mail.
          return [textNode(inline.href.startsWith('#') ? text : `${text} (${address})`)];
        }
        default:
          return saidInMail(inline.children);
      }
    }),
  );

const rowInMail = (header: readonly Cell[], row: readonly Cell[]): string =>
  row
    .map((cell, at) => {
      const [name, value] = [header[at] ?? [], cell].map((inlines) => plainText(saidInMail(inlines)).trim());
      return !name || !value ? (value ?? '') : `${name}: ${value}`;
    })
    .filter((text) => text !== '')
    .join('; ');

const paragraphOf = (children: readonly Inline[]): Block[] =>
  plainText(children).trim() === '' ? [] : [{ kind: 'paragraph', children }];

/** A text as a mail: no pictures, links as text with their address, tables as lines. */
export const asMail = (blocks: readonly Block[]): Block[] =>
  blocks.flatMap((block): Block[] => {
    switch (block.kind) {
      case 'paragraph':
        return paragraphOf(saidInMail(block.children));
      case 'heading': {
        const children = saidInMail(block.children);
        return plainText(children).trim() === '' ? [] : [{ ...block, children }];
      }
      case 'quote':
        return [{ ...block, blocks: asMail(block.blocks) }];
      case 'list':
        return [{ ...block, items: block.items.map((item) => ({ ...item, blocks: asMail(item.blocks) })) }];
      case 'table': {
        const rows = block.rows.length > 0 ? block.rows : [block.header];
        const lines = rows.map((row) => rowInMail(block.rows.length > 0 ? block.header : [], row));
        return [listOf(lines.map((line) => ({ done: null, blocks: paragraphOf([textNode(line)]) })))];
      }
      default:
        return [block];
    }
  });
