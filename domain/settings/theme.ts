/** `auto` follows the reader's own choice. */
export type ColourScheme = 'light' | 'dark' | 'auto';

/** How the site looks. */
export interface Theme {
  readonly scheme: ColourScheme;
  /** `#rrggbb`. */
  readonly accent: string;
}

/** The site's own accent, where nobody has chosen one. */
export const DEFAULT_ACCENT = '#0d5c63';

export const DEFAULT_THEME: Theme = { scheme: 'auto', accent: DEFAULT_ACCENT };

/** What WCAG 2.2 asks of text (1.4.3, AA). */
const ENOUGH = 4.5;
const STEPS = 50;

type Rgb = readonly [number, number, number];

const toRgb = (colour: string): Rgb => {
  const at = (start: number): number => Number.parseInt(colour.slice(start, start + 2), 16);
  return [at(1), at(3), at(5)];
};

const toHex = (rgb: Rgb): string =>
  `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;

const linear = (part: number): number =>
  part / 255 <= 0.040_45 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;

/** Relative luminance (WCAG 2.2), 0 to 1. */
const luminance = ([red, green, blue]: Rgb): number =>
  0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);

/** The contrast of two colours `#rrggbb`, 1 to 21. */
export const contrast = (one: string, other: string): number => {
  const [a, b] = [luminance(toRgb(one)), luminance(toRgb(other))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};

/**
 * The colour closest to an accent, on its way to black or white, that can be read as text on all of these backgrounds.
 * @param backgrounds all light or all dark.
 */
export const readableOn = (accent: string, backgrounds: readonly string[]): string => {
  const areLight = backgrounds.every((background) => luminance(toRgb(background)) > 0.18);
  const end = areLight ? 0 : 255;
  const rgb = toRgb(accent);
  for (let step = 0; step < STEPS; step++) {
    const share = step / STEPS;
    const [red, green, blue] = rgb;
    const mix = (part: number): number => part + (end - part) * share;
    const colour = toHex([mix(red), mix(green), mix(blue)]);
    if (backgrounds.every((background) => contrast(colour, background) >= ENOUGH)) return colour;
  }
  return toHex([end, end, end]);
};
