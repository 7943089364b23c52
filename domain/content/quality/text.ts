/** A Markdown text cut into what can be measured: blocks, their plain words, and the `##` section each belongs to. */

export type BlockKind = 'heading' | 'paragraph' | 'item' | 'quote' | 'table' | 'code';

export interface Block {
  readonly kind: BlockKind;
  /** Without marks, links' targets and citation numbers. */
  readonly plain: string;
  readonly raw: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** 1 to 6 for headings, else 0. */
  readonly level: number;
  /** Index of the `##` section, from 0; `null` before the first. */
  readonly section: number | null;
  /** Only for code: whether its fence is closed. */
  readonly closed: boolean;
}

export interface Section {
  readonly heading: string;
  /** Words of prose, lists, quotes and tables. */
  readonly words: readonly string[];
  readonly blocks: readonly Block[];
}

export interface Sentence {
  readonly text: string;
  readonly words: readonly string[];
  readonly section: number | null;
}

export interface Text {
  readonly blocks: readonly Block[];
  readonly sections: readonly Section[];
  /** Of paragraphs, list items and quotes. */
  readonly sentences: readonly Sentence[];
  /** Lower case, of everything that is read but headings and code. */
  readonly words: readonly string[];
}

const FENCE = /^ {0,3}(```|~~~)/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)])[ \t]+(.*)$/;
const TABLE = /^\s*\|/;
const QUOTE = /^ {0,3}>/;
const RULE = /^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const WORD = /[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu;
// Only what a capital letter or a digit follows: "e.g. this" goes on.
const SENTENCE_GAP = /(?<=[.!?…]["”’')\]]{0,2})\s+(?=["“‘'([*]{0,2}[\p{Lu}\p{N}])/u;
const TITLES = /\b(?:Mr|Mrs|Ms|Dr|St|No|vs)\.$/;

/** The words of a text in lower case; "don't", "3.5" and "well-known" are one word each. */
export const wordsOf = (text: string): string[] => text.toLowerCase().match(WORD) ?? [];

/** The sentences of plain text. */
export const sentencesOf = (plain: string): string[] => {
  const found: string[] = [];
  for (const piece of plain.split(SENTENCE_GAP)) {
    const last = found.at(-1);
    if (last !== undefined && TITLES.test(last)) found[found.length - 1] = `${last} ${piece}`;
    else if (piece.trim() !== '') found.push(piece.trim());
  }
  return found;
};

/** Markdown of one block without its marks. */
export const plainOf = (raw: string): string =>
  raw
    // Nothing here may read far ahead for an end that does not come: a text of brackets would take minutes.
    .replace(/!?\[([^[\]]{0,500})\]\((?:[^()]|\([^()]{0,200}\)){0,1000}\)/g, '$1')
    .replace(/\[\^?\d{1,3}(?:, ?\d{1,3})*\]/g, '')
    .replace(/<\/?[a-z!][^<>]*>/gi, ' ')
    .replace(/`([^`]*)`/g, '$1')
    .replace(/\*{1,3}|~~|(?<![\p{L}\p{N}])_{1,2}|_{1,2}(?![\p{L}\p{N}])/gu, '')
    .replace(/\s+/g, ' ')
    .replace(/ ([.,;:!?])/g, '$1')
    .trim();

type Draft = Omit<Block, 'plain' | 'section'>;

const kindOf = (line: string): BlockKind => {
  if (HEADING.test(line)) return 'heading';
  if (TABLE.test(line)) return 'table';
  if (QUOTE.test(line)) return 'quote';
  return ITEM.test(line) ? 'item' : 'paragraph';
};

const startOf = (line: string, number: number): Draft => {
  const kind = kindOf(line);
  const heading = HEADING.exec(line);
  const raw =
    kind === 'heading' ? (heading?.[2] ?? '').replace(/\s+#+\s*$/, '') : (ITEM.exec(line)?.[1] ?? line);
  return { kind, raw, line: number, level: heading?.[1]?.length ?? 0, closed: true };
};

/** Whether a line goes on with the block before it. */
const continues = (block: Draft, line: string): boolean => {
  const kind = kindOf(line);
  if (block.kind === 'heading' || block.kind === 'code') return false;
  if (block.kind === 'table' || block.kind === 'quote') return kind === block.kind;
  return kind === 'paragraph';
};

const cut = (markdown: string): Draft[] => {
  const drafts: Draft[] = [];
  const lines = markdown.replace(/\r\n?/g, '\n').split('\n');
  let open = null as Draft | null;
  const close = (): void => {
    if (open) drafts.push(open);
    open = null;
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const fence = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      close();
      let end = i + 1;
      while (end < lines.length && !(lines[end] ?? '').trim().startsWith(fence)) end++;
      const raw = lines.slice(i + 1, end).join('\n');
      drafts.push({ kind: 'code', raw, line: i + 1, level: 0, closed: end < lines.length });
      i = end;
    } else if (line.trim() === '' || RULE.test(line)) close();
    else if (open && continues(open, line)) open = { ...open, raw: `${open.raw}\n${line}` };
    else {
      close();
      open = startOf(line, i + 1);
    }
  }
  close();
  return drafts;
};

const readable = (block: Block): boolean => block.kind !== 'heading' && block.kind !== 'code';

/** Cuts Markdown into blocks, sections and sentences. A heading of level 1 or 2 opens a section; 3 and deeper do where nothing else does. */
export const parseText = (markdown: string): Text => {
  const drafts = cut(markdown);
  const levels = drafts.filter(({ level }) => level > 1).map(({ level }) => level);
  const opens = levels.length > 0 ? Math.min(...levels) : 2;
  let section: number | null = null;
  const blocks = drafts.map((draft): Block => {
    if (draft.level === opens) section = section === null ? 0 : section + 1;
    const raw = draft.kind === 'quote' ? draft.raw.replace(/^ {0,3}> ?/gm, '') : draft.raw;
    const plain =
      draft.kind === 'code' ? '' : plainOf(draft.kind === 'table' ? raw.replace(/[|:-]{2,}|\|/g, ' ') : raw);
    return { ...draft, raw, plain, section };
  });
  const count = section === null ? 0 : (section as number) + 1;
  const sections = Array.from({ length: count }, (_, index): Section => {
    const own = blocks.filter((block) => block.section === index);
    const heading = own.find(({ level }) => level === opens)?.plain ?? '';
    return { heading, blocks: own, words: own.filter(readable).flatMap(({ plain }) => wordsOf(plain)) };
  });
  const sentences = blocks
    .filter(({ kind }) => kind === 'paragraph' || kind === 'item' || kind === 'quote')
    .flatMap((block) =>
      sentencesOf(block.plain).map((text) => ({ text, words: wordsOf(text), section: block.section })),
    )
    .filter(({ words }) => words.length > 0);
  return {
    blocks,
    sections,
    sentences,
    words: blocks.filter(readable).flatMap(({ plain }) => wordsOf(plain)),
  };
};
