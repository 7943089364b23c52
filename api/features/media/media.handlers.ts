import { notFound } from '../../../domain/errors.ts';
import { originalName, sizeName } from '../../../domain/media/image.ts';
import type { Files } from '../../../platform/files.ts';
import { findPublicImage, requireImage, type PublicImage } from '../../../store/media/images.repository.ts';
import type { Store } from '../../../store/store.ts';
import { defineHandlers, file } from '../../http/operation.ts';
import { item } from '../../http/resource.ts';
import { imageView } from './media.view.ts';

export interface MediaDeps {
  readonly store: Store;
  readonly files: Files;
  readonly publicUrl: string;
}

interface FileFacts {
  readonly contentType: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What an image holds under a name; `undefined` for a name that it does not have. */
const factsOf = (image: PublicImage, name: string): FileFacts | undefined => {
  if (name === originalName(image.content_type)) return { ...image, contentType: image.content_type };
  const size = image.sizes.find(({ width }) => sizeName(width) === name);
  return size && { ...size, contentType: 'image/webp' };
};

export const mediaHandlers = ({ store, files, publicUrl }: MediaDeps) =>
  defineHandlers({
    getImage: item('image_id', requireImage, imageView(publicUrl)),

    getImageFile: async ({ params }, ctx) => {
      const image = await findPublicImage(store, params.image_id);
      const facts = image && factsOf(image, params.file_name);
      if (!image || !facts) throw notFound('image', `${params.image_id}/${params.file_name}`);
      const key = `${image.folder}/${params.file_name}`;
      return file({
        name: params.file_name,
        contentType: facts.contentType,
        size: facts.bytes,
        etag: `"${facts.sha256}"`,
        open: async () => {
          const found = await files.get(key);
          if (found) return found.stream;
          ctx.log.error({ key, place: files.place }, 'the file of an image is missing');
          throw notFound('file', params.file_name);
        },
      });
    },
  });
