/** Six hexadecimal digits behind a hash: `#0f1b3d`. */
export type Colour = `#${string}`;

type Channels = readonly [number, number, number];

const channels = (colour: Colour): Channels => {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
};

/** Relative luminance as WCAG 2.2 defines it, 0 to 1. */
const luminance = (colour: Colour): number => {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

/** Contrast of two colours as WCAG 2.2 defines it, 1 to 21; AA asks for 4.5, and for 3 of large text. */
export const contrast = (one: Colour, other: Colour): number => {
  const [light, dark] = [luminance(one), luminance(other)].toSorted((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
};

/** What is seen of `over`, laid on `under` with this opacity (0 to 1). */
export const blend = (under: Colour, over: Colour, opacity: number): Colour => {
  const top = channels(over);
  const mixed = channels(under).map((channel, i) =>
    Math.round(channel + ((top[i] ?? 0) - channel) * opacity),
  );
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
};
