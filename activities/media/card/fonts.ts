import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Font } from 'satori';

/** Inter comes in pieces, one for each script; the first that has a letter draws it. */
const SUBSETS = [
  'latin',
  'latin-ext',
  'cyrillic',
  'cyrillic-ext',
  'greek',
  'greek-ext',
  'vietnamese',
] as const;
const WEIGHTS = [500, 700] as const;

/** The family of all pieces, in the order in which they are asked. */
export const FAMILY = SUBSETS.map((subset) => `Inter ${subset}`).join(', ');

/** Inter from the installed package, and nothing of the machine: the same bytes everywhere. Satori reads WOFF, not WOFF2. */
export const loadFonts = (): Font[] => {
  const folder = dirname(
    createRequire(import.meta.url).resolve('@fontsource/inter/files/inter-latin-500-normal.woff'),
  );
  return SUBSETS.flatMap((subset) =>
    WEIGHTS.map((weight) => ({
      name: `Inter ${subset}`,
      weight,
      style: 'normal' as const,
      data: readFileSync(join(folder, `inter-${subset}-${weight}-normal.woff`)),
    })),
  );
};
