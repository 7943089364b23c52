import { decodeEntities } from './entities.ts';

const SCHEMES = { link: /^(?:https?|mailto):/i, image: /^https?:/i } as const;

/** Characters that end an address, or mean something around it, in one of the markups. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0020\u007f-\u00a0<>()[\]\\"'`|{}^]/g;

const percent = (character: string): string => {
  const bytes = [...new TextEncoder().encode(character)];
  return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
};

/**
 * An address that can stand in any markup, whoever wrote it.
 * @returns undefined for what is neither http(s), for links mailto, nor relative: it must not be followed
 */
export const safeAddress = (href: string, use: keyof typeof SCHEMES): string | undefined => {
  const address = decodeEntities(href.toWellFormed()).trim();
  // eslint-disable-next-line no-control-regex
  const compact = address.replace(/[\u0000-\u0020\u007f-\u009f]/g, '');
  if (compact === '' || compact.startsWith('//') || /^[/\\]{2}/.test(compact)) return undefined;
  const head = compact.split(/[/?#]/)[0] ?? '';
  if ((head.includes(':') || head.includes('&')) && !SCHEMES[use].test(compact)) return undefined;
  return address.replace(UNSAFE, percent);
};
