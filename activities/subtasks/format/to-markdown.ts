import type { Block, Cell, Inline, ListItem } from './tree.ts';
import { prefixed, wrapped } from './wrap.ts';

export interface MarkdownOptions {
  /** Columns to wrap at; a paragraph is one line unless said. */
  readonly width: number | null;
}

/** Addresses are read as such before anything in them is read as a mark. */
const ADDRESS = /(https?:\/\/[^\s<>`*\\[\]|~!]+)/;

const escapedMarks = (text: string): string =>
  text
    .replace(/[\\`]/g, '\\$&')
    .replace(/\*(?! )|(?<! )\*/g, '\\*')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
    .replace(/~/g, '\\~')
    .replace(/\](?=[([:]|$)/g, '\\]')
    .replace(/!(?=\[|$)/g, '\\!')
    .replace(/<(?=[A-Za-z/!?]|$)/g, '\\<')
    .replace(/&(?=#?\w{1,31};)/g, '\\&');

/** What would be read as markup inside a line, escaped. */
const escapedText = (text: string): string =>
  text
    .split(ADDRESS)
    .map((part, at) => (at % 2 === 1 ? part : escapedMarks(part)))
    .join('');

/** What would be read as a block at the beginning of a line, escaped. */
const escapedStart = (line: string): string =>
  line
    .replace(/^(?:#{1,6}(?= |$)|[-+](?= |$)|[-=_*+ ]+$|>|\||:?-+)/, '\\$&')
    .replace(/^(\d{1,9})([.)])(?= |$)/, '$1\\$2')
    .replace(/^\[(?=[ xX]\] |[^\]]*\]:)/, '\\[');

const codeSpan = (text: string): string => {
  const runs = new Set((text.match(/`+/g) ?? []).map((run) => run.length));
  let length = 1;
  while (runs.has(length)) length++;
  const fence = '`'.repeat(length);
  const pad = /^`|`$|^ .* $/.test(text) ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
};

const MARKS = { em: '*', strong: '**', del: '~~' } as const;

const withTitle = (address: string, title: string): string =>
  title === '' ? address : `${address} "${title.replace(/[\\"]/g, '\\$&')}"`;

/** Marks hold only beside their words: spaces move outside. */
const marked = (text: string, mark: string): string => {
  const inner = text.trim();
  if (inner === '') return text;
  const [before = '', after = ''] = text.split(inner);
  return `${before}${mark}${inner}${mark}${after}`;
};

const linkText = ({ href, title, children }: Extract<Inline, { kind: 'link' }>): string => {
  const text = inlineText(children).trim();
  const [only] = children;
  const isBare = children.length === 1 && only?.kind === 'text' && only.text === href;
  if (isBare && title === '' && /^https?:[^\s<>]+$/.test(href)) return `<${href}>`;
  return `[${text}](${withTitle(href, title)})`;
};

const inlineText = (inlines: readonly Inline[]): string =>
  inlines
    .map((inline) => {
      switch (inline.kind) {
        case 'text':
          return escapedText(inline.text);
        case 'code':
          return codeSpan(inline.text);
        case 'link':
          return linkText(inline);
        case 'image':
          return `![${inline.alt.replace(/[\\[\]`*_<&]/g, '\\$&')}](${withTitle(inline.src, inline.title)})`;
        case 'break':
          return '\\\n';
        default:
          return marked(inlineText(inline.children), MARKS[inline.kind]);
      }
    })
    .join('');

/** Inline content on one line. */
const lineText = (inlines: readonly Inline[]): string =>
  inlineText(inlines).replace(/\\\n/g, ' ').replace(/ {2,}/g, ' ').trim();

const paragraphText = (inlines: readonly Inline[], { width }: MarkdownOptions): string => {
  const lines = inlineText(inlines)
    .replace(/(?:\\\n\s*)+$/, '')
    .replace(/^(?:\s*\\\n)+/, '')
    .split('\n')
    .map((line) => escapedStart(line.replace(/ {2,}(?![^`]*`)/g, ' ').trim()))
    .filter((line) => line !== '' && line !== '\\');
  const text = lines.join('\n');
  return width === null ? text : wrapped(text, width);
};

const codeBlock = ({ lang, text }: { lang: string; text: string }): string => {
  const longest = Math.max(2, ...(text.match(/`{3,}/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${lang}\n${text}\n${fence}`;
};

const cellText = (cell: Cell): string => lineText(cell).replace(/(?<!\\)\|/g, '\\|');

const RULERS = { left: ':--', center: ':-:', right: '--:' } as const;

const tableText = ({ align, header, rows }: Extract<Block, { kind: 'table' }>): string => {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const ruler = align.map((side) => (side === null ? '---' : RULERS[side]));
  return [row(header.map(cellText)), row(ruler), ...rows.map((cells) => row(cells.map(cellText)))].join('\n');
};

const narrowed = ({ width }: MarkdownOptions, by: number): MarkdownOptions => ({
  width: width === null ? null : Math.max(width - by, 20),
});

/** What can follow the line before it without an empty line between them. */
const isTight = (items: readonly ListItem[]): boolean =>
  items.every(({ blocks }) =>
    blocks.every(({ kind }, at) => (at === 0 ? kind === 'paragraph' : kind === 'list') && at < 2),
  );

const listText = (
  list: Extract<Block, { kind: 'list' }>,
  options: MarkdownOptions,
  other: boolean,
): string => {
  const { start, loose, items } = list;
  const isLoose = loose || !isTight(items);
  const texts = items.map(({ done, blocks }, at) => {
    const mark = start === null ? (other ? '* ' : '- ') : `${start + at}${other ? ')' : '.'} `;
    const task = done === null ? '' : done ? '[x] ' : '[ ] ';
    const inner = blocksText(blocks, narrowed(options, mark.length), isLoose ? '\n\n' : '\n');
    return prefixed(task + inner, mark, ' '.repeat(mark.length));
  });
  return texts.join(isLoose ? '\n\n' : '\n');
};

const blockText = (block: Block, options: MarkdownOptions, other: boolean): string => {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.depth)} ${lineText(block.children).replace(/#+$/, '\\$&')}`;
    case 'paragraph':
      return paragraphText(block.children, options);
    case 'code':
      return codeBlock(block);
    case 'quote':
      return prefixed(blocksText(block.blocks, narrowed(options, 2), '\n\n'), '> ', '> ');
    case 'list':
      return listText(block, options, other);
    case 'table':
      return tableText(block);
    default:
      return '---';
  }
};

const isSameList = (a: Block | undefined, b: Block): boolean =>
  a?.kind === 'list' && b.kind === 'list' && (a.start === null) === (b.start === null);

const blocksText = (blocks: readonly Block[], options: MarkdownOptions, between: string): string => {
  let other = false;
  return blocks
    .map((block, at) => {
      // Two lists in a row would be one if they had the same marks.
      other = isSameList(blocks[at - 1], block) && !other;
      return blockText(block, options, other);
    })
    .filter((text) => text !== '')
    .join(between);
};

/** A tree as Markdown: one form for everything, nothing that a reader could take for something else. */
export const toMarkdown = (blocks: readonly Block[], options: MarkdownOptions = { width: null }): string => {
  const text = blocksText(blocks, options, '\n\n');
  return text === '' ? '' : `${text}\n`;
};
