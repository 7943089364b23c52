import { randomInt } from 'node:crypto';

/** Each digit as strokes through points of a grid of 4 by 6. */
const STROKES: readonly string[] = [
  '10 30 41 45 36 16 05 01 10',
  '11 30 36',
  '01 10 30 41 42 06 46',
  '01 10 30 41 42 23 44 45 36 16 05',
  '36 30 04 44',
  '40 10 03 33 44 45 36 16 05',
  '40 20 02 05 16 36 45 44 33 13 04',
  '00 40 16',
  '23 12 11 20 30 41 42 23 04 05 16 36 45 44 23',
  '42 33 13 02 01 10 30 41 44 26',
];
const CELL = 8;
const [WIDTH, HEIGHT] = [220, 80];

const between = (least: number, most: number): number => least + (randomInt(1_001) / 1_000) * (most - least);
const point = (x: number, y: number): string => `${x.toFixed(1)} ${y.toFixed(1)}`;

/** A digit's strokes, somewhere near its place, turned and bent. */
const digitPath = (digit: number, place: number): string => {
  const [turn, scale, bend] = [between(-0.35, 0.35), between(0.9, 1.15), between(-0.25, 0.25)];
  const [left, top] = [28 + place * 38 + between(-5, 5), HEIGHT / 2 + between(-8, 8)];
  const points = (STROKES[digit] ?? '').split(' ').map((pair) => {
    const x = (Number(pair[0]) - 2) * CELL * scale + between(-1.5, 1.5);
    const y = (Number(pair[1]) - 3) * CELL * scale + between(-1.5, 1.5);
    const bent = x + bend * y;
    return point(
      left + bent * Math.cos(turn) - y * Math.sin(turn),
      top + bent * Math.sin(turn) + y * Math.cos(turn),
    );
  });
  return `M${points.join('L')}`;
};

const noisePath = (): string => {
  const at = (x: number): string => point(x, between(0, HEIGHT));
  return `M${at(0)}C${at(WIDTH / 3)} ${at((2 * WIDTH) / 3)} ${at(WIDTH)}`;
};

/** Digits drawn as a PNG that people read and programs find a little hard. */
export const drawDigits = async (digits: string): Promise<Buffer> => {
  // Loaded when the first captcha is asked for: most servers never draw one.
  const { Resvg } = await import('@resvg/resvg-js');
  const path = (d: string, width: number): string =>
    `<path d="${d}" fill="none" stroke="#234" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
  const paths = [
    ...Array.from(digits, (digit, place) => path(digitPath(Number(digit), place), 3.5)),
    ...Array.from({ length: 4 }, () => path(noisePath(), 1.8)),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><rect width="100%" height="100%" fill="#f4f5f7"/>${paths.join('')}</svg>`;
  return new Resvg(svg).render().asPng();
};
