import { oneLine } from './card.ts';
import type { ImageStyle } from './image.ts';

/** Screen readers stop or tire beyond about this many characters. */
const MAX_ALT = 160;

const WORDS: Readonly<Record<ImageStyle, string>> = {
  photorealistic: 'Photorealistic image',
  illustration: 'Illustration',
  '3d': '3D rendering',
};

/** At a word's end where there is one, with an ellipsis. */
const shorten = (text: string, max: number): string => {
  const letters = Array.from(text);
  if (letters.length <= max) return text;
  const cut = letters.slice(0, max - 1).join('');
  const end = cut.lastIndexOf(' ');
  return `${(end > max / 2 ? cut.slice(0, end) : cut).replace(/[\s,;:.–—-]+$/, '')}…`;
};

/** The first sentence that says something; prompts go on with wishes about light and lenses. */
const firstSentence = (text: string): string =>
  (/^.{12,}?[.!?](?=\s|$)/u.exec(text)?.[0] ?? text).replace(/[.\s]+$/, '');

/** What a prompt asks for, without the asking: "Create an image of a cat" shows a cat. */
const withoutAsking = (prompt: string): string =>
  prompt.replace(
    /^(please\s+)?((create|generate|make|draw|paint|render|show|produce)\s+(me\s+)?)?(an?|the)?\s*((photorealistic|realistic|3d|digital|detailed|high[- ]quality)\s+)*(image|picture|photo|photograph|illustration|rendering|drawing|painting)\s+(of|showing|depicting)\s+/iu,
    '',
  );

const capital = (text: string): string => text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());

/** The text of a title card for those who do not see it: a card shows its title and nothing else that matters. */
export const altOfCard = (title: string): string => {
  const words = oneLine(title);
  return words === '' ? 'Title card' : shorten(`Title card: ${words}`, MAX_ALT);
};

/**
 * The alternative text of a picture by a model: what its prompt asked for; without a usable prompt, what it illustrates.
 * @returns one line of 1 to 160 characters
 */
export const altOfPicture = (input: { prompt: string; title: string; style: ImageStyle | null }): string => {
  const wished = capital(firstSentence(withoutAsking(oneLine(input.prompt))));
  if (/[\p{L}\p{N}]{2}/u.test(wished)) return shorten(wished, MAX_ALT);
  const kind = input.style === null ? 'Image' : WORDS[input.style];
  const title = oneLine(input.title);
  return title === '' ? kind : shorten(`${kind} for “${title}”`, MAX_ALT);
};
