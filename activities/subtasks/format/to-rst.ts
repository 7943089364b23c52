import { plainText, type Block, type Inline, type ListItem } from './tree.ts';
import { prefixed, wrapped } from './wrap.ts';

export interface RstOptions {
  /** Columns to wrap at; a paragraph is one line unless said. */
  readonly width: number | null;
}

/** What a page gathers while it is written: levels of headings, and pictures that stand inside a line. */
interface Page extends RstOptions {
  level: number;
  readonly pictures: string[];
}

const INDENT = '   ';
/** Underlines by level, as Python's own documents have them. */
const UNDERLINES = ['=', '-', '~', '^', '"', "'"] as const;

/** reStructuredText has no nested marks and no entities: its special characters are escaped wherever they could act. */
const escapedText = (text: string): string =>
  text.replace(/[\\*`|]/g, '\\$&').replace(/_(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])_/gu, '\\_');

/** What would begin a list, a directive or another block at the beginning of a line, escaped. */
const escapedStart = (line: string): string => {
  const isMark =
    /^(?:[-+*•‣⁃]|\(?(?:\d+|#|[a-zA-Z]|[ivxlcdmIVXLCDM]+)[.)]|\.\.|>>>|:[^:\s][^:]*:|__|\|)(?= |$)/.test(
      line,
    ) ||
    /^(?:\.\.|__) ?/.test(line) ||
    /^([!-/:-@[-`{-~])\1*$/.test(line) ||
    // Options of commands are lists too.
    /^(?:--?|\/)[a-zA-Z]/.test(line);
  return (isMark ? `\\${line}` : line).replace(/::$/, ':\\:');
};

const literal = (text: string): string => {
  const isPlain = !/^[`\s]|[`\s\\]$|``/.test(text) && text !== '';
  return isPlain ? `\`\`${text}\`\`` : escapedText(text);
};

const linkText = ({ href, children }: Extract<Inline, { kind: 'link' }>): string => {
  const text = plainText(children).trim();
  if (text === '') return '';
  if (text === href && /^https?:[\w\-./~%?=&#+:,;@!$*]+[\w/]$/.test(href)) return href;
  if (href === `mailto:${text}` && /^[\w.+-]+@[\w.-]+\w$/.test(text)) return text;
  // Anchors of another markup lead nowhere here.
  if (href.startsWith('#')) return escapedText(text);
  return `\`${escapedText(text).replace(/[<>]/g, '\\$&')} <${href.replace(/_$/, '%5F')}>\`__`;
};

const pictureText = (image: Extract<Inline, { kind: 'image' }>, page: Page): string => {
  const name = `image ${page.pictures.length + 1}`;
  const alt = image.alt === '' ? '' : `\n${INDENT}:alt: ${escapedText(image.alt)}`;
  page.pictures.push(`.. |${name}| image:: ${image.src}${alt}`);
  return `|${name}|`;
};

/** One piece of a line, and whether it is a mark that must not touch a word. */
interface Piece {
  readonly text: string;
  readonly isMark: boolean;
}

const piecesOf = (inlines: readonly Inline[], page: Page): Piece[] =>
  inlines.flatMap((inline): Piece[] => {
    const mark = (text: string): Piece[] => (text === '' ? [] : [{ text, isMark: true }]);
    switch (inline.kind) {
      case 'text':
        return [{ text: escapedText(inline.text), isMark: false }];
      case 'code':
        return mark(literal(inline.text));
      case 'link':
        return mark(linkText(inline));
      case 'image':
        return mark(pictureText(inline, page));
      case 'break':
        return [{ text: '\n', isMark: false }];
      case 'del':
        return piecesOf(inline.children, page);
      default: {
        const hasMarks = inline.children.some(
          ({ kind }) => kind === 'image' || kind === 'link' || kind === 'code',
        );
        if (hasMarks) return piecesOf(inline.children, page);
        const text = escapedText(plainText(inline.children).trim());
        const sign = inline.kind === 'em' ? '*' : '**';
        const padded = /^\s/.test(plainText(inline.children)) ? ' ' : '';
        const after = /\s$/.test(plainText(inline.children)) ? ' ' : '';
        return text === ''
          ? []
          : [
              { text: padded, isMark: false },
              { text: `${sign}${text}${sign}`, isMark: true },
              { text: after, isMark: false },
            ];
      }
    }
  });

const MAY_PRECEDE = /[\s\-:/'"<([{]$/;
const MAY_FOLLOW = /^[\s\-.,:;!?/'")\]}>]/;

/** Pieces as one text: a mark that touches a word is parted from it by an escaped space, which shows nothing. */
const inlineText = (inlines: readonly Inline[], page: Page): string => {
  const pieces = piecesOf(inlines, page).filter(({ text }) => text !== '');
  let result = '';
  let afterMark = false;
  for (const { text, isMark } of pieces) {
    const parted =
      (isMark && result !== '' && (afterMark || !MAY_PRECEDE.test(result))) ||
      (afterMark && !isMark && !MAY_FOLLOW.test(text));
    result += (parted ? '\\ ' : '') + text;
    afterMark = isMark;
  }
  return result;
};

const lineText = (inlines: readonly Inline[], page: Page): string =>
  inlineText(inlines, page).replace(/\s+/g, ' ').trim();

const paragraphText = (inlines: readonly Inline[], page: Page): string => {
  const [only] = inlines;
  if (inlines.length === 1 && only?.kind === 'image') {
    const alt = only.alt === '' ? '' : `\n${INDENT}:alt: ${escapedText(only.alt)}`;
    return `.. image:: ${only.src}${alt}`;
  }
  const lines = inlineText(inlines, page)
    .split('\n')
    .map((line) => line.replace(/ {2,}/g, ' ').trim())
    .filter((line) => line !== '');
  // Lines of their own stand in a line block.
  if (lines.length > 1) return lines.map((line) => prefixed(wrap(line, page), '| ', '  ')).join('\n');
  return wrap(escapedStart(lines[0] ?? ''), page);
};

const wrap = (text: string, { width }: RstOptions): string => (width === null ? text : wrapped(text, width));

/** Signs of the east are two columns wide: a longer line below is allowed, a shorter one is not. */
const widthOf = (text: string): number =>
  Array.from(text).reduce((sum, sign) => sum + (sign > '\u02ff' ? 2 : 1), 0);

const headingText = (depth: number, inlines: readonly Inline[], page: Page): string => {
  // A level that is left out would shift all that follow.
  page.level = Math.min(depth, page.level + 1);
  const text = escapedStart(lineText(inlines, page));
  return `${text}\n${(UNDERLINES[page.level - 1] ?? "'").repeat(Math.max(widthOf(text), 4))}`;
};

const directive = (head: string, body: string): string => `.. ${head}\n\n${prefixed(body, INDENT, INDENT)}`;

/** Lines of code keep their spaces at the end only where they matter: nowhere in a literal block. */
const codeText = ({ lang, text }: { lang: string; text: string }): string => {
  const lines = text
    .replace(/\t/g, '    ')
    .replace(/^(?:\s*\n)+/, '')
    .trimEnd();
  if (lines === '') return '';
  // What begins with spaces would set the block's indentation.
  if (/^\s/.test(lines)) return `::\n\n${prefixed(lines, INDENT, INDENT)}`;
  return directive(`code-block:: ${lang === '' ? 'text' : lang}`, lines);
};

const itemText = ({ done, blocks }: ListItem, mark: string, page: Page): string => {
  const task = done === null ? '' : done ? '☑ ' : '☐ ';
  const inner = blocksText(blocks, page, mark.length);
  // What is no paragraph can't stand behind a sign.
  const isText = blocks[0]?.kind === 'paragraph' && !/^(?:\.\. |\| )/.test(inner);
  const text = task !== '' && !isText ? `${task.trim()}\n\n${inner}` : task + inner;
  return prefixed(text.trim() === '' ? '\\ ' : text, mark, ' '.repeat(mark.length));
};

const listText = ({ start, items }: Extract<Block, { kind: 'list' }>, page: Page): string => {
  const marks = items.map((_, at) => (start === null ? '- ' : `${start + at}. `));
  const texts = items.map((item, at) => itemText(item, marks[at] ?? '- ', page));
  const isTight = items.every(
    ({ blocks }) => blocks.length <= 1 && blocks.every(({ kind }) => kind === 'paragraph'),
  );
  return texts.join(isTight ? '\n' : '\n\n');
};

const tableText = ({ header, rows }: Extract<Block, { kind: 'table' }>, page: Page): string => {
  const row = (cells: readonly (readonly Inline[])[]): string =>
    header
      .map((_, at) => {
        const text = escapedStart(lineText(cells[at] ?? [], page));
        return `${at === 0 ? '* - ' : '  - '}${text}`.trimEnd();
      })
      .join('\n');
  return directive(`list-table::\n${INDENT}:header-rows: 1`, [header, ...rows].map(row).join('\n'));
};

/** `null` for what this markup has no place for. */
const blockText = (block: Block, page: Page): string => {
  switch (block.kind) {
    case 'heading':
      return headingText(block.depth, block.children, page);
    case 'paragraph':
      return paragraphText(block.children, page);
    case 'code':
      return codeText(block);
    case 'quote': {
      const inner = blocksText(block.blocks, page, INDENT.length);
      return inner === '' ? '' : prefixed(inner, INDENT, INDENT);
    }
    case 'list':
      return listText(block, page);
    case 'table':
      return tableText(block, page);
    default:
      return '----';
  }
};

/** A heading inside a quote or a list is a paragraph in bold: sections stand on the page alone. */
const withoutHeadings = (blocks: readonly Block[]): Block[] =>
  blocks.map((block) =>
    block.kind === 'heading'
      ? { kind: 'paragraph', children: [{ kind: 'strong', children: block.children }] }
      : block.kind === 'rule'
        ? { kind: 'paragraph', children: [{ kind: 'text', text: '* * *' }] }
        : block,
  );

/** What would run on into the block before it is parted from it by an empty comment. */
const needsComment = (before: Block | undefined, block: Block): boolean =>
  (block.kind === 'quote' && before !== undefined) ||
  (block.kind === 'list' && before?.kind === 'list') ||
  (block.kind === 'quote' && before === undefined);

const blocksText = (blocks: readonly Block[], page: Page, indent: number): string => {
  const own = withoutHeadings(blocks);
  const narrower = page.width === null ? null : Math.max(page.width - indent, 20);
  const inner: Page = { level: 6, pictures: page.pictures, width: narrower };
  return joinBlocks(own, (block) => blockText(block, inner));
};

const joinBlocks = (blocks: readonly Block[], write: (block: Block) => string): string =>
  blocks
    .map((block, at) => {
      const text = write(block);
      return text !== '' && needsComment(blocks[at - 1], block) ? `..\n\n${text}` : text;
    })
    .filter((text) => text !== '')
    .join('\n\n');

/** A transition parts paragraphs: it can't begin or end a section. */
const withoutIdleRules = (blocks: readonly Block[]): Block[] =>
  blocks.filter(
    ({ kind }, at) =>
      kind !== 'rule' ||
      ![undefined, 'heading', 'rule'].some(
        (edge) => blocks[at - 1]?.kind === edge || blocks[at + 1]?.kind === edge,
      ),
  );

/**
 * A tree as reStructuredText.
 * @param afterTitle what is put below the first heading, as it is
 */
export const toRst = (
  blocks: readonly Block[],
  options: RstOptions = { width: null },
  afterTitle = '',
): string => {
  const page: Page = { level: 0, pictures: [], width: options.width };
  let title = afterTitle;
  const text = joinBlocks(withoutIdleRules(blocks), (block) => {
    const written = blockText(block, page);
    if (block.kind !== 'heading' || title === '') return written;
    const below = title;
    title = '';
    return `${written}\n\n${below}`;
  });
  const all = [text, ...page.pictures].filter((part) => part !== '').join('\n\n');
  return all === '' ? '' : `${all}\n`;
};
