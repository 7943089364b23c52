import satori, { type Font, type SatoriOptions } from 'satori';
import {
  CARD_SIZES,
  charactersOf,
  designOf,
  oneLine,
  withoutCharacters,
  type Card,
  type CardShape,
  type Palette,
} from '../../../domain/media/card.ts';
import { FAMILY } from './fonts.ts';
import { drawPattern } from './pattern.ts';

interface Measures {
  readonly padding: number;
  /** Pixels that the title may be high. */
  readonly titleHeight: number;
  /** Sizes of the title's type, largest first, each with how wide its lines may be. */
  readonly sizes: readonly { readonly type: number; readonly width: number }[];
}

const steps = (width: number, ...types: readonly number[]) => types.map((type) => ({ type, width }));

const MEASURES: Readonly<Record<CardShape, Measures>> = {
  wide: {
    padding: 76,
    titleHeight: 330,
    sizes: [...steps(880, 104, 94, 84, 76, 68), ...steps(1000, 62, 56, 50, 46, 42)],
  },
  square: {
    padding: 92,
    titleHeight: 600,
    sizes: [...steps(896, 124, 112, 100, 90, 80, 72, 64, 58, 52, 48)],
  },
};

/** An average capital or digit of bold Inter is this much of the type's size wide. */
const EM_PER_LETTER = 0.66;
const LINE_HEIGHT = 1.1;
/** Pixels; lines need not be balanced more exactly. */
const STEP = 12;

type Style = Readonly<Record<string, string | number>>;

/** What Satori takes for a React element. */
interface Box {
  readonly type: 'div';
  readonly props: { readonly style: Style; readonly children: readonly (Box | string)[] };
}

const box = (style: Style, ...children: (Box | string)[]): Box => ({
  type: 'div',
  props: { style: { display: 'flex', ...style }, children },
});

interface Pen {
  readonly shape: CardShape;
  readonly palette: Palette;
  readonly fonts: Font[];
  /** Filled while drawing: the characters that no font has. */
  readonly lost: Set<string>;
}

type Area = { width: number } | { width: number; height: number };

/** Lays something out, and notes the characters that the fonts have no glyphs for. */
const layOut = (node: Box, area: Area, pen: Pen): Promise<string> => {
  const options: SatoriOptions = {
    ...area,
    fonts: pen.fonts,
    loadAdditionalAsset: async (_script: string, characters: string) => {
      for (const character of charactersOf(characters)) pen.lost.add(character);
      return [];
    },
  };
  return satori(node, options);
};

interface Setting {
  readonly type: number;
  readonly width: number;
  readonly lines: number;
}

const titleBox = (title: string, { type, width, lines }: Setting): Box =>
  box(
    {
      display: 'block',
      width,
      fontSize: type,
      fontWeight: 700,
      fontFamily: FAMILY,
      lineHeight: LINE_HEIGHT,
      letterSpacing: type * -0.022,
      wordBreak: 'break-word',
      lineClamp: lines,
    },
    title,
  );

const heightOf = async (title: string, setting: Setting, pen: Pen): Promise<number> => {
  const svg = await layOut(titleBox(title, { ...setting, lines: 99 }), { width: setting.width }, pen);
  return Number(/ height="([\d.]+)"/.exec(svg)?.[1] ?? 0);
};

/** The narrowest box that needs no more lines: its lines are about as long as each other. */
const balance = async (title: string, setting: Setting, narrowest: number, pen: Pen): Promise<Setting> => {
  const height = await heightOf(title, setting, pen);
  let [tooNarrow, enough] = [Math.min(narrowest, setting.width) - STEP, setting.width];
  while (enough - tooNarrow > STEP) {
    const width = Math.ceil((tooNarrow + enough) / 2);
    if ((await heightOf(title, { ...setting, width }, pen)) > height) tooNarrow = width;
    else enough = width;
  }
  return { ...setting, width: enough };
};

/** The title in the largest type in which all of it fits and no word breaks; in the smallest it is cut after its last line. */
const fitTitle = async (title: string, pen: Pen): Promise<Box> => {
  const { sizes, titleHeight } = MEASURES[pen.shape];
  const longest = Math.max(0, ...title.split(/[\s\-–—]/).map((word) => word.length));
  const settings = sizes.map((size) => ({
    ...size,
    // Satori sets lines on whole pixels.
    lines: Math.floor(titleHeight / Math.ceil(size.type * LINE_HEIGHT)),
  }));
  for (const setting of settings) {
    const narrowest = longest * setting.type * EM_PER_LETTER;
    if (narrowest > setting.width) continue;
    if ((await heightOf(title, setting, pen)) > titleHeight) continue;
    return titleBox(title, await balance(title, setting, narrowest, pen));
  }
  return titleBox(title, settings.at(-1) as Setting);
};

const siteRow = (siteName: string, { ink, accent, ground }: Palette): Box =>
  box(
    { alignItems: 'center', fontSize: 29, fontWeight: 500, color: ink, letterSpacing: -0.3 },
    box(
      {
        width: 34,
        height: 34,
        marginRight: 16,
        borderRadius: 10,
        backgroundColor: accent,
        alignItems: 'center',
        justifyContent: 'center',
      },
      box({ width: 12, height: 12, borderRadius: 6, backgroundColor: ground[0] }),
    ),
    box({ display: 'block', maxWidth: 720, lineClamp: 1 }, siteName),
  );

const categoryRow = (category: string, { accent }: Palette): Box =>
  box(
    { alignItems: 'center', marginBottom: 26, color: accent },
    box({ width: 44, height: 4, borderRadius: 2, marginRight: 18, backgroundColor: accent }),
    box(
      { display: 'block', fontSize: 25, fontWeight: 700, letterSpacing: 2.4, maxWidth: 760, lineClamp: 1 },
      category,
    ),
  );

interface Words {
  readonly title: string;
  readonly category: string;
  readonly siteName: string;
}

const drawWords = async (words: Words, pen: Pen): Promise<string> => {
  const area = CARD_SIZES[pen.shape];
  const title = words.title === '' ? [] : [await fitTitle(words.title, pen)];
  const category = words.category === '' ? [] : [categoryRow(words.category, pen.palette)];
  const root = box(
    {
      ...area,
      boxSizing: 'border-box',
      padding: MEASURES[pen.shape].padding,
      flexDirection: 'column',
      justifyContent: 'space-between',
      fontFamily: FAMILY,
      color: pen.palette.ink,
    },
    words.siteName === '' ? box({}) : siteRow(words.siteName, pen.palette),
    box({ flexDirection: 'column' }, ...category, ...title),
  );
  return layOut(root, area, pen);
};

/** Words may say what the fonts can't draw (emoji, Chinese, Arabic): drawing finds it, and then it is left out. */
const drawPrintable = async (card: Card, pen: Pen): Promise<{ svg: string; hasTitle: boolean }> => {
  const words = {
    title: oneLine(card.title),
    category: oneLine(card.category ?? '').toUpperCase(),
    siteName: oneLine(card.siteName),
  };
  const svg = await drawWords(words, pen);
  if (pen.lost.size === 0) return { svg, hasTitle: words.title !== '' };
  const kept = {
    title: withoutCharacters(words.title, pen.lost),
    category: withoutCharacters(words.category, pen.lost),
    siteName: withoutCharacters(words.siteName, pen.lost),
  };
  return { svg: await drawWords(kept, pen), hasTitle: kept.title !== '' };
};

/** A title card as SVG without any text elements: all letters are outlines, so no font of the machine is asked. */
export const drawCard = async (card: Card, fonts: Font[]): Promise<string> => {
  const { palette, pattern, seed } = designOf(card);
  const { width, height } = CARD_SIZES[card.shape];
  const words = await drawPrintable(card, { shape: card.shape, palette, fonts, lost: new Set() });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<defs><linearGradient id="ground" x1="0" y1="1" x2="1" y2="0"><stop offset="0" stop-color="${palette.ground[0]}"/><stop offset="1" stop-color="${palette.ground[1]}"/></linearGradient></defs>
<rect width="${width}" height="${height}" fill="url(#ground)"/>
${drawPattern(pattern, card.shape, seed, palette.accent, words.hasTitle)}
${words.svg}</svg>`;
};
