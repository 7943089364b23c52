import { imageUrl, originalName, sizeName } from '../../../domain/media/image.ts';
import type { ImageRow } from '../../../store/media/images.repository.ts';
import type { components } from '../../generated/openapi.d.ts';
import { time } from '../../http/wire.ts';

export const imageView =
  (publicUrl: string) =>
  (row: ImageRow): components['schemas']['Image'] => ({
    id: row.id,
    url: imageUrl(publicUrl, row.id, originalName(row.content_type)),
    alt: row.alt,
    width: row.width,
    height: row.height,
    bytes: row.bytes,
    content_type: row.content_type,
    sizes: row.sizes.map(({ width, height, bytes }) => ({
      width,
      height,
      url: imageUrl(publicUrl, row.id, sizeName(width)),
      bytes,
      content_type: 'image/webp',
    })),
    origin: row.origin,
    model: row.model,
    style: row.style,
    prompt: row.prompt,
    content_id: row.content_id,
    run_id: row.run_id,
    created_at: time(row.created_at),
  });
