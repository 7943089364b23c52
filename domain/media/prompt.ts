import { oneLine } from './card.ts';
import type { ImageStyle } from './image.ts';

/** The shortest limit of the vendors' newer models, with room for the style. */
const MAX_PROMPT = 3_500;

const WISHES: Readonly<Record<ImageStyle, string>> = {
  photorealistic: 'Style: a photorealistic photograph with natural light and believable detail.',
  illustration: 'Style: a clean editorial illustration with few, harmonious colours.',
  '3d': 'Style: a polished 3D rendering with soft light and simple shapes.',
};

/** What an image model is asked: the wish, its style, and no lettering, which models can't spell. */
export const imagePrompt = (input: { prompt: string; title: string; style: ImageStyle | null }): string => {
  const wish = Array.from(oneLine(input.prompt)).slice(0, MAX_PROMPT).join('');
  const subject = wish === '' ? `A picture to go with an article titled “${oneLine(input.title)}”.` : wish;
  const style = input.style === null ? [] : [WISHES[input.style]];
  return [subject, ...style, 'No text, letters, logos or watermarks.'].join('\n');
};
