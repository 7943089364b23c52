import type { Block } from '../quality/text.ts';

export const CHECKS = ['grammar', 'factuality', 'formatting'] as const;
export type Check = (typeof CHECKS)[number];

/** Something that a rule found. Errors are wrong, warnings are to be looked at. */
export interface Issue {
  readonly check: Check;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly excerpt: string;
  /** In the Markdown, from 1. */
  readonly line: number;
}

const EXCERPT_AROUND = 30;

/** The surroundings of a place, on one line. */
export const excerptAt = (text: string, index: number, length: number): string =>
  text
    .slice(Math.max(0, index - EXCERPT_AROUND), index + length + EXCERPT_AROUND)
    .replace(/\s+/g, ' ')
    .trim();

/** A block's text for reading: inline code and links' targets are blanked out, so that places keep their index. */
export const readableRaw = ({ raw }: Block): string =>
  raw
    .replace(/`[^`\n]*`/g, (code) => '0'.repeat(code.length))
    .replace(/(?<=\])\((?:[^()\n]|\([^()\n]{0,200}\)){0,1000}\)/g, (target) => ' '.repeat(target.length))
    .replace(/https?:\/\/\S+/g, (url) => '0'.repeat(url.length));

/** The line of a place inside a block. */
export const lineAt = (block: Block, text: string, index: number): number =>
  block.line + (text.slice(0, index).match(/\n/g)?.length ?? 0);
