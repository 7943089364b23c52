import {
  CARD_SIZES,
  PATTERN_OPACITY,
  randomFrom,
  type CardShape,
  type Pattern,
} from '../../../domain/media/card.ts';

interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly random: () => number;
}

const between = (random: () => number, low: number, high: number): number => low + random() * (high - low);
/** One decimal is enough for the eye and keeps the bytes the same everywhere. */
const n = (value: number): string => value.toFixed(1);

const circle = (x: number, y: number, radius: number, more: string): string =>
  `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" ${more}/>`;

const rings = ({ width, height, random }: Canvas): string => {
  const [x, y] = [width * between(random, 0.88, 1.02), height * between(random, 0.05, 0.95)];
  const step = between(random, 26, 40);
  return Array.from({ length: 22 }, (_, i) =>
    circle(x, y, step * (i + 1), `fill="none" stroke-width="${n(i % 4 === 0 ? 5 : 1.6)}"`),
  ).join('');
};

const waves = ({ width, height, random }: Canvas): string => {
  const [phase, drift] = [between(random, 0, 6.28), between(random, 0.16, 0.34)];
  const [long, short] = [between(random, 300, 460), between(random, 120, 190)];
  const lines = Math.ceil(height / 22) + 6;
  return Array.from({ length: lines }, (_, line) => {
    const points = Array.from({ length: Math.ceil(width / 16) + 2 }, (_point, i) => {
      const x = i * 16;
      const swell = 34 * Math.sin(x / long + phase + line * drift) + 11 * Math.sin(x / short + line * 0.5);
      return `${n(x)} ${n(line * 22 - 66 + swell)}`;
    });
    return `<path d="M${points.join('L')}" fill="none" stroke-width="${line % 5 === 0 ? 3.2 : 1.4}"/>`;
  }).join('');
};

const tiles = ({ width, height, random }: Canvas): string => {
  const cell = 78;
  const half = cell / 2;
  let paths = '';
  for (let y = 0; y < height; y += cell)
    for (let x = 0; x < width; x += cell) {
      const arcs =
        random() < 0.5
          ? `M${x} ${y + half}A${half} ${half} 0 0 0 ${x + half} ${y}M${x + cell} ${y + half}A${half} ${half} 0 0 0 ${x + half} ${y + cell}`
          : `M${x} ${y + half}A${half} ${half} 0 0 1 ${x + half} ${y + cell}M${x + half} ${y}A${half} ${half} 0 0 0 ${x + cell} ${y + half}`;
      paths += arcs;
    }
  return `<path d="${paths}" fill="none" stroke-width="3"/>`;
};

const dots = ({ width, height, random }: Canvas): string => {
  const [a, b, c] = [between(random, 90, 170), between(random, 90, 170), between(random, 0, 6.28)];
  let marks = '';
  for (let y = 15; y < height; y += 30)
    for (let x = 15; x < width; x += 30) {
      const size = 1.4 + 8.6 * ((Math.sin(x / a + c) * Math.cos(y / b - c) + 1) / 2) ** 1.6;
      marks += circle(x, y, size, 'stroke="none"');
    }
  return marks;
};

const beams = ({ width, height, random }: Canvas): string => {
  const [bar, gap] = [26, 18];
  let marks = '';
  for (let x = width - bar - 14; x > 0; x -= bar + gap) {
    const tall = height * between(random, 0.16, 0.5 + 0.42 * (x / width));
    marks += `<rect x="${x}" y="${n(height - tall)}" width="${bar}" height="${n(tall + 40)}" rx="13" stroke="none" opacity="${n(between(random, 0.35, 0.9))}"/>`;
  }
  return marks;
};

const orbits = ({ width, height, random }: Canvas): string => {
  const [x, y] = [width * between(random, 0.8, 0.92), height * between(random, 0.3, 0.7)];
  const turn = between(random, 0, 180);
  return Array.from({ length: 12 }, (_, i) => {
    const angle = turn + i * 15;
    return `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(height * 0.68)}" ry="${n(height * 0.24)}" fill="none" stroke-width="1.8" transform="rotate(${n(angle)} ${n(x)} ${n(y)})"/>`;
  }).join('');
};

const DRAW: Readonly<Record<Pattern, (canvas: Canvas) => string>> = {
  rings,
  waves,
  tiles,
  dots,
  beams,
  orbits,
};

/**
 * The pattern of a card as SVG: clear at the edge that holds no words, a breath of colour beneath them.
 * @param accent its only colour
 * @param hasTitle without one, the pattern is all there is to see
 */
export const drawPattern = (
  pattern: Pattern,
  shape: CardShape,
  seed: number,
  accent: string,
  hasTitle: boolean,
): string => {
  const { width, height } = CARD_SIZES[shape];
  const { beside } = PATTERN_OPACITY;
  const beneath = hasTitle ? PATTERN_OPACITY.beneath : beside * 0.4;
  const direction = shape === 'wide' ? 'x1="0" y1="0.1" x2="1" y2="0"' : 'x1="0.1" y1="1" x2="0.6" y2="0"';
  return `<defs><linearGradient id="fade" ${direction}>
<stop offset="0" stop-color="#fff" stop-opacity="${beneath}"/><stop offset="0.56" stop-color="#fff" stop-opacity="${beneath}"/>
<stop offset="0.86" stop-color="#fff" stop-opacity="${beside * 0.4}"/><stop offset="1" stop-color="#fff" stop-opacity="${beside}"/>
</linearGradient><mask id="seen"><rect width="${width}" height="${height}" fill="url(#fade)"/></mask></defs>
<g mask="url(#seen)" fill="${accent}" stroke="${accent}">${DRAW[pattern]({ width, height, random: randomFrom(seed) })}</g>`;
};
