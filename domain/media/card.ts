import type { Colour } from './colour.ts';

/** What a title card is drawn from: the same words give the same card. */
export interface Card {
  readonly title: string;
  readonly category: string | null;
  readonly siteName: string;
  readonly shape: CardShape;
  /** Cards of one title differ by this number. */
  readonly variant: number;
}

/** Pixels: `wide` is what networks and feeds show beside a link, `square` what fits a grid. */
export const CARD_SIZES = {
  wide: { width: 1200, height: 630 },
  square: { width: 1080, height: 1080 },
} as const;
export type CardShape = keyof typeof CARD_SIZES;

/** Colours of a card; the ground runs from one corner's to the other's. */
export interface Palette {
  readonly name: string;
  readonly ground: readonly [Colour, Colour];
  readonly ink: Colour;
  /** Of the category, the rule and the pattern. */
  readonly accent: Colour;
}

/** How much of the accent the pattern may show where no words stand, and where they do. */
export const PATTERN_OPACITY = { beside: 0.42, beneath: 0.06 } as const;

export const PALETTES: readonly Palette[] = [
  { name: 'midnight', ground: ['#0b1430', '#1c3a73'], ink: '#f5f8ff', accent: '#8fc4ff' },
  { name: 'forest', ground: ['#0a211b', '#1a5643'], ink: '#f3fbf7', accent: '#93e2b9' },
  { name: 'plum', ground: ['#220f2c', '#562361'], ink: '#fdf5ff', accent: '#ecb0fb' },
  { name: 'rust', ground: ['#2b0f06', '#75300f'], ink: '#fff7f1', accent: '#ffbd91' },
  { name: 'slate', ground: ['#12161c', '#323e4f'], ink: '#f6f8fb', accent: '#b4cdea' },
  { name: 'lagoon', ground: ['#052429', '#0c575f'], ink: '#f0fcfc', accent: '#8aeae8' },
  { name: 'cherry', ground: ['#2b0914', '#701934'], ink: '#fff4f6', accent: '#ffb0c2' },
  { name: 'moss', ground: ['#1b1e08', '#495219'], ink: '#fbfcf0', accent: '#dcea8c' },
  { name: 'paper', ground: ['#faf7f0', '#efe4cf'], ink: '#1f1b14', accent: '#96390f' },
  { name: 'mist', ground: ['#f4f8fc', '#d9e6f2'], ink: '#0f1d2b', accent: '#195a9f' },
  { name: 'sage', ground: ['#f3f8f3', '#d7e7da'], ink: '#12231a', accent: '#1b6541' },
  { name: 'blush', ground: ['#fdf5f4', '#f2dadc'], ink: '#2b1216', accent: '#a02247' },
];

export const PATTERNS = ['rings', 'waves', 'tiles', 'dots', 'beams', 'orbits'] as const;
export type Pattern = (typeof PATTERNS)[number];

/** A digest of a text in 32 bits (FNV-1a over UTF-16, mixed): the same on every machine. */
export const seedOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** Numbers from 0 up to 1 that look random and follow from the seed alone (mulberry32). */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** How a card looks, from its title and variant alone. */
export const designOf = ({
  title,
  variant,
}: Pick<Card, 'title' | 'variant'>): { palette: Palette; pattern: Pattern; seed: number } => {
  const seed = seedOf(title.normalize('NFC').trim().toLowerCase());
  const turn = <T>(list: readonly T[], from: number): T => list[(from + variant) % list.length] as T;
  return {
    palette: turn(PALETTES, seed % PALETTES.length),
    pattern: turn(PATTERNS, Math.floor(seed / PALETTES.length) % PATTERNS.length),
    seed: (seed + variant) >>> 0,
  };
};

/** One line of text: control and format characters go, every run of spaces is one space. */
export const oneLine = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '')
    .trim();

const lettersIn = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;

/** What remains is no longer what the author wrote, when more than this share of its letters had to go. */
const MAX_LOST = 0.15;

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The characters of a text as a reader counts them: an emoji of several code points is one. */
export const charactersOf = (text: string): string[] =>
  Array.from(segmenter.segment(text), ({ segment }) => segment);

/**
 * A text without the characters that a font can't draw, and without the brackets and quotes that held nothing else.
 * @returns an empty text when too many of its letters went: no words are better than wrong ones
 */
export const withoutCharacters = (text: string, lost: ReadonlySet<string>): string => {
  const kept = charactersOf(text)
    .filter((character) => !lost.has(character))
    .join('')
    .replace(/\(\s*\)|\[\s*\]|\{\s*\}|«\s*»|“\s*”|„\s*“|"\s*"/g, '')
    .replace(/\s+([,.;:!?])/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
  const before = lettersIn(text);
  return before > 0 && (before - lettersIn(kept)) / before > MAX_LOST ? '' : kept;
};
