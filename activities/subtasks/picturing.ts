import type { JsonObject } from '../../domain/json.ts';
import { imageUrl, originalName, type ImageStyle } from '../../domain/media/image.ts';
import { plainLine, shortened } from '../../domain/research/source.ts';
import { isHeld, type Held } from '../../domain/runs/held.ts';
import { ANSWER_PATH } from '../../domain/subtasks/subtask.ts';
import type { ImageRow } from '../../store/media/images.repository.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { imageStep } from '../media/image-step.ts';
import type { ActivityDeps } from '../runtime.ts';
import { readRequest } from './request.ts';

const MAX_TITLE_CHARS = 120;
const NO_MODEL =
  'These are title cards: no image model is configured here (TASKLOOM_IMAGE_MODEL), so the prompt was not painted.';

interface Pictures extends JsonObject {
  readonly images: readonly JsonObject[];
  readonly note: string | null;
}

const pictureOf =
  (publicUrl: string) =>
  (row: ImageRow): JsonObject => ({
    id: row.id,
    url: imageUrl(publicUrl, row.id, originalName(row.content_type)),
    prompt: row.prompt,
    alt: row.alt,
    width: row.width,
    height: row.height,
    origin: row.origin,
    model: row.model,
  });

/** The step of an images subtask. */
export const createImagesSubtask = (deps: ActivityDeps) => ({
  /** Makes the images: by the configured model, else as title cards. */
  makePictures: async (input: RunInput): Promise<{ images: number } | Held> => {
    const result = await imageStep<Pictures>(deps, input, {
      order: async (tx) => {
        const request = await readRequest(tx, input.run_id);
        const { prompt, style, count } = request as { prompt: string; style: ImageStyle; count: number };
        const title = shortened(plainLine(prompt), MAX_TITLE_CHARS);
        return {
          path: ANSWER_PATH,
          title: 'Images',
          inputs: { prompt, style, count },
          wish: { prompt, title, category: null, style, alt: null, count },
        };
      },
      answer: (rows, note) => {
        const isCard = rows.some(({ origin }) => origin === 'title_card');
        return {
          images: rows.map(pictureOf(deps.publicUrl)),
          note: isCard ? (note ?? NO_MODEL) : null,
        };
      },
      progress: { to: 95 },
    });
    return isHeld(result) ? result : { images: result.images.length };
  },
});
