import { createHash } from 'node:crypto';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { originalName, sizeName, type ImageStyle } from '../../domain/media/image.ts';
import type { Files } from '../../platform/files.ts';
import {
  imagesOfStep,
  storeImage,
  type ImageRow,
  type NewImage,
} from '../../store/media/images.repository.ts';
import type { Store } from '../../store/store.ts';
import type { MadeImage } from './make-image.ts';
import { sizePicture, type SizedPicture } from './sizes.ts';

export interface StoringDeps {
  readonly store: Store;
  readonly files: Files;
}

/** The step that made the images, and what they are for. */
export interface ImagePlace {
  readonly workspaceId: string;
  readonly runId: string;
  readonly stepPath: string;
  readonly contentId: string | null;
  readonly prompt: string | null;
  readonly style: ImageStyle | null;
}

/** A step's path may hold anything; the digest of the image keeps two tries apart that made different ones at once. */
const folderOf = (place: ImagePlace, n: number, sha256: string): string => {
  const step = createHash('sha256').update(place.stepPath).digest('hex').slice(0, 16);
  return `images/${place.workspaceId}/${place.runId}/${step}/${n}-${sha256.slice(0, 16)}`;
};

interface Entry {
  readonly key: string;
  readonly data: Uint8Array;
  readonly contentType: string;
}

const filesIn = (folder: string, picture: SizedPicture): Entry[] => [
  {
    key: `${folder}/${originalName(picture.contentType)}`,
    data: picture.bytes,
    contentType: picture.contentType,
  },
  ...picture.sizes.map(({ width, data }) => ({
    key: `${folder}/${sizeName(width)}`,
    data,
    contentType: 'image/webp',
  })),
];

/**
 * Makes the sizes of images and writes all files, before any row names them: a crash leaves files that nobody sees, and
 * the same image made again takes their place.
 * @returns what `storeImage` stores, in the caller's transaction
 * @throws FilesUnavailable
 */
export const writeImageFiles = async (
  files: Files,
  place: ImagePlace,
  made: readonly MadeImage[],
): Promise<NewImage[]> => {
  const ready: NewImage[] = [];
  for (const [n, image] of made.entries()) {
    const picture = await sizePicture(image);
    const folder = folderOf(place, n, picture.sha256);
    for (const { key, data, contentType } of filesIn(folder, picture))
      await files.put(key, data, contentType);
    const { runId, stepPath, contentId, prompt, style } = place;
    ready.push({
      contentId,
      step: { runId, stepPath, n },
      alt: image.alt,
      prompt,
      style,
      origin: image.origin,
      model: image.model,
      width: picture.width,
      height: picture.height,
      bytes: picture.bytes.length,
      contentType: picture.contentType,
      sha256: picture.sha256,
      sizes: picture.sizes.map(({ width, height, bytes, sha256 }) => ({ width, height, bytes, sha256 })),
      folder,
      createdBy: null,
    });
  }
  return ready;
};

/** Takes away the files of images that lost to another try of their step. */
export const discardLosers = async (
  files: Files,
  ready: readonly NewImage[],
  stored: readonly ImageRow[],
): Promise<void> => {
  const kept = new Set(stored.map(({ folder }) => folder));
  for (const { folder, contentType, sizes } of ready) {
    if (kept.has(folder)) continue;
    for (const name of [originalName(contentType), ...sizes.map(({ width }) => sizeName(width))])
      await files.delete(`${folder}/${name}`);
  }
};

/** The images that a step has stored before; none when it has not run. */
export const findStoredImages = ({ store }: StoringDeps, place: ImagePlace): Promise<ImageRow[]> =>
  store.read(workerPrincipal(place.workspaceId), (db) => imagesOfStep(db, place.runId, place.stepPath));

/**
 * Stores what a step made: sizes, files, then the rows. A step that is repeated finds what it stored first.
 * @throws FilesUnavailable
 */
export const storeImages = async (
  deps: StoringDeps,
  place: ImagePlace,
  made: readonly MadeImage[],
): Promise<ImageRow[]> => {
  const before = await findStoredImages(deps, place);
  if (before.length >= made.length && before.length > 0) return before;
  const ready = await writeImageFiles(deps.files, place, made);
  const stored = await deps.store.write(workerPrincipal(place.workspaceId), async (tx) => {
    const rows: ImageRow[] = [];
    for (const image of ready) rows.push(await storeImage(tx, image));
    return rows;
  });
  await discardLosers(deps.files, ready, stored);
  return stored;
};
