import { createHash } from 'node:crypto';
import type { Sharp } from 'sharp';
import { DomainError } from '../../domain/errors.ts';
import {
  MAX_IMAGE_BYTES,
  MAX_PIXELS,
  pictureType,
  widthsFor,
  type ImageSize,
  type OriginalType,
} from '../../domain/media/image.ts';

export interface Picture {
  readonly bytes: Uint8Array;
  readonly contentType: OriginalType;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

export interface SizedPicture extends Picture {
  readonly sha256: string;
  /** WebP, narrowest first. */
  readonly sizes: readonly (ImageSize & { readonly data: Uint8Array })[];
}

const notAnImage = (why: string): DomainError =>
  new DomainError('unprocessable', 'not_an_image', `This is no image that can be kept: ${why}.`);

let loaded: Promise<(bytes: Uint8Array) => Sharp> | undefined;

/** The image library takes some twenty megabytes: it is loaded for the first image. */
const loadSharp = (): Promise<(bytes: Uint8Array) => Sharp> =>
  (loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    // One core for an image: the process has other things to do.
    sharp.concurrency(1);
    return (bytes) => sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
  }));

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Reads a picture and writes it anew: upright, in sRGB, without metadata (place, camera, prompts), JPEG as JPEG and all
 * else as PNG.
 * @throws DomainError not_an_image for what can't be decoded, is larger than 40 megapixels or 25 MB, or is no raster image
 */
export const readPicture = async (bytes: Uint8Array): Promise<Picture> => {
  if (bytes.length > MAX_IMAGE_BYTES) throw notAnImage(`it has more than ${MAX_IMAGE_BYTES / 1_000_000} MB`);
  const type = pictureType(bytes);
  if (type === undefined) throw notAnImage('it is neither PNG, JPEG, WebP, AVIF nor GIF');
  const open = await loadSharp();
  try {
    const upright = open(bytes).autoOrient().toColourspace('srgb');
    const { data, info } = await (
      type === 'jpeg' ? upright.jpeg({ quality: 90 }) : upright.png({ compressionLevel: 8 })
    ).toBuffer({ resolveWithObject: true });
    return {
      bytes: data,
      contentType: type === 'jpeg' ? 'image/jpeg' : 'image/png',
      width: info.width,
      height: info.height,
    };
  } catch (error) {
    throw notAnImage(
      error instanceof Error ? (error.message.split('\n')[0]?.slice(0, 120) ?? '') : 'unreadable',
    );
  }
};

/** Makes the narrower forms of a picture, once and for all. */
export const sizePicture = async (picture: Picture): Promise<SizedPicture> => {
  const open = await loadSharp();
  const sizes: SizedPicture['sizes'][number][] = [];
  for (const width of widthsFor(picture.width)) {
    const { data, info } = await open(picture.bytes)
      .resize({ width, withoutEnlargement: true })
      .webp({ quality: 82 })
      .toBuffer({ resolveWithObject: true });
    sizes.push({ width: info.width, height: info.height, bytes: data.length, sha256: sha256(data), data });
  }
  return { ...picture, sha256: sha256(picture.bytes), sizes };
};
