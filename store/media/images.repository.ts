import { notFound } from '../../domain/errors.ts';
import type { ImageOrigin, ImageSize, ImageStyle, OriginalType } from '../../domain/media/image.ts';
import { sql } from '../sql.ts';
import type { Reader, Store, Writer } from '../store.ts';

export interface ImageRow {
  readonly id: string;
  readonly content_id: string | null;
  readonly run_id: string | null;
  readonly step_path: string | null;
  readonly n: number;
  readonly alt: string;
  readonly prompt: string | null;
  readonly style: ImageStyle | null;
  readonly origin: ImageOrigin;
  readonly model: string | null;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly content_type: OriginalType;
  readonly sha256: string;
  /** Narrowest first. */
  readonly sizes: readonly ImageSize[];
  /** Where its files lie in the file storage. */
  readonly folder: string;
  readonly created_at: Date;
}

/** The step of a run that makes images; `n` counts them. */
export interface ImageStep {
  readonly runId: string;
  readonly stepPath: string;
  readonly n: number;
}

/** An image whose files are in the storage already. */
export interface NewImage {
  readonly contentId: string | null;
  readonly step: ImageStep | null;
  readonly alt: string;
  readonly prompt: string | null;
  readonly style: ImageStyle | null;
  readonly origin: ImageOrigin;
  readonly model: string | null;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly contentType: OriginalType;
  readonly sha256: string;
  readonly sizes: readonly ImageSize[];
  readonly folder: string;
  readonly createdBy: string | null;
}

const COLUMNS = sql`id, content_id, run_id, step_path, n, alt, prompt, style, origin, model, width, height, bytes,
  content_type, sha256, sizes, folder, created_at`;

/** The images that a step has made, when it has run before. */
export const imagesOfStep = (db: Reader, runId: string, stepPath: string): Promise<ImageRow[]> =>
  db.many(sql`select ${COLUMNS} from images where run_id = ${runId} and step_path = ${stepPath} order by n`);

/** Stores an image, or finds the one that its step has made before: then its files are the ones that count. */
export const storeImage = async (tx: Writer, image: NewImage): Promise<ImageRow> => {
  const { step } = image;
  const made = await tx.maybe<ImageRow>(
    sql`insert into images (workspace_id, content_id, run_id, step_path, n, alt, prompt, style, origin, model, width,
                            height, bytes, content_type, sha256, sizes, folder, created_by)
        values (${tx.principal.workspaceId}, ${image.contentId}, ${step?.runId ?? null}, ${step?.stepPath ?? null},
                ${step?.n ?? 0}, ${image.alt}, ${image.prompt}, ${image.style}, ${image.origin}, ${image.model},
                ${image.width}, ${image.height}, ${image.bytes}, ${image.contentType}, ${image.sha256},
                ${JSON.stringify(image.sizes)}, ${image.folder}, ${image.createdBy})
        on conflict on constraint images_step do nothing
        returning ${COLUMNS}`,
  );
  if (made) {
    tx.audit('image.store', 'image', made.id, {
      origin: made.origin,
      model: made.model,
      run_id: made.run_id,
    });
    return made;
  }
  return tx.one<ImageRow>(
    sql`select ${COLUMNS} from images
         where run_id = ${step?.runId} and step_path = ${step?.stepPath} and n = ${step?.n}`,
  );
};

/** Gives the images of a run to the content that the run wrote; those that have content keep it. */
export const attachImages = (tx: Writer, runId: string, contentId: string): Promise<number> =>
  tx.run(sql`update images set content_id = ${contentId} where run_id = ${runId} and content_id is null`);

/** @throws DomainError not_found. */
export const requireImage = async (db: Reader, id: string): Promise<ImageRow> => {
  const row = await db.maybe<ImageRow>(sql`select ${COLUMNS} from images where id = ${id}`);
  if (!row) throw notFound('image', id);
  return row;
};

/** The images of a piece of content, in the order in which they were made. */
export const listImages = (db: Reader, contentId: string): Promise<ImageRow[]> =>
  db.many(sql`select ${COLUMNS} from images where content_id = ${contentId} order by created_at, n`);

/** What everyone who knows an image's id may have of it: its files. */
export type PublicImage = Pick<ImageRow, 'folder' | 'content_type' | 'bytes' | 'sha256' | 'sizes'>;

export const findPublicImage = (store: Store, id: string): Promise<PublicImage | undefined> =>
  store.beforeWorkspace(sql`select folder, content_type, bytes, sha256, sizes from public_image(${id})`);
