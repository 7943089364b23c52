/** Where an image came from: drawn here, painted by a model, or brought by a person. */
export const ORIGINS = ['title_card', 'model', 'upload'] as const;
export type ImageOrigin = (typeof ORIGINS)[number];

export const STYLES = ['photorealistic', 'illustration', '3d'] as const;
export type ImageStyle = (typeof STYLES)[number];

/** Widths in pixels that a page can choose from, beside the original. */
export const WIDTHS = [400, 800, 1200] as const;

/** Beyond this many pixels an image costs more memory than a picture beside a text is worth. */
export const MAX_PIXELS = 40_000_000;
export const MAX_IMAGE_BYTES = 25_000_000;

/** The kinds of originals that are kept; other pictures become PNG. */
export type OriginalType = 'image/png' | 'image/jpeg';

/** One narrower form of an image. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** Of its bytes, as hexadecimal digits. */
  readonly sha256: string;
}

/** An image's files have these names under its address. */
export const originalName = (contentType: string): string =>
  contentType === 'image/jpeg' ? 'original.jpg' : 'original.png';
export const sizeName = (width: number): string => `${width}.webp`;

/** Where everybody finds a file of an image, for as long as the image exists. */
export const imageUrl = (publicUrl: string, id: string, fileName: string): string =>
  `${publicUrl}/media/${id}/${fileName}`;

/** The widths to make of an original: those below its own, and its own as the widest, never more than there is. */
export const widthsFor = (originalWidth: number): number[] => {
  const widest = Math.min(originalWidth, WIDTHS.at(-1) as number);
  return [...WIDTHS.filter((width) => width < widest), widest];
};

const starts = (bytes: Uint8Array, text: string, at = 0): boolean =>
  Array.from(text).every((letter, i) => bytes[at + i] === letter.charCodeAt(0));

/**
 * What a picture's first bytes say it is; `undefined` for anything else. Vector graphics are not among them: they are
 * programs of a kind, and name other files.
 */
export const pictureType = (bytes: Uint8Array): 'png' | 'jpeg' | 'webp' | 'gif' | 'avif' | undefined => {
  if (starts(bytes, '\x89PNG\r\n\x1a\n')) return 'png';
  if (starts(bytes, '\xff\xd8\xff')) return 'jpeg';
  if (starts(bytes, 'RIFF') && starts(bytes, 'WEBP', 8)) return 'webp';
  if (starts(bytes, 'GIF87a') || starts(bytes, 'GIF89a')) return 'gif';
  return starts(bytes, 'ftypavif', 4) || starts(bytes, 'ftypavis', 4) ? 'avif' : undefined;
};
