import { ApplicationFailure } from '@temporalio/common';
import { DomainError } from '../../domain/errors.ts';
import { altOfCard, altOfPicture } from '../../domain/media/alt.ts';
import type { ImageOrigin, ImageStyle } from '../../domain/media/image.ts';
import { imagePrompt } from '../../domain/media/prompt.ts';
import { isUnbilled } from '../models/errors.ts';
import { generatePictures, type ImageModel } from './image-model.ts';
import type { ImageModels } from './image-models.ts';
import { readPicture, type Picture } from './sizes.ts';
import type { TitleCards } from './title-card.ts';

export interface ImageDeps {
  readonly imageModels: ImageModels;
  readonly titleCards: TitleCards;
}

/** What to show, in words. */
export interface ImageWish {
  /** What a model is to paint; a title card needs none. */
  readonly prompt: string;
  readonly title: string;
  readonly category: string | null;
  readonly siteName: string;
  readonly style: ImageStyle | null;
  /** What a painted picture shows, where somebody said it; a title card's alternative text is always its title. */
  readonly alt: string | null;
  /** How many; 1 unless said. */
  readonly count?: number;
  /** `false` asks no model, whatever is configured. */
  readonly mayPaint?: boolean;
  /** Sent along with a vendor's call, such as `traceparent`. */
  readonly headers?: Record<string, string>;
}

export interface MadeImage extends Picture {
  readonly origin: Exclude<ImageOrigin, 'upload'>;
  /** `provider:name`; null for a title card. */
  readonly model: string | null;
  /** 0 for a title card that replaces nothing paid for; null when the model has no configured price. */
  readonly costMicros: number | null;
  readonly alt: string;
}

export interface MadeImages {
  readonly images: readonly MadeImage[];
  /** Why there is a title card although a model is configured; null otherwise. */
  readonly note: string | null;
  /** What was paid for, whatever came of it; null where no model was asked, or refused. */
  readonly paid: PaidCall | null;
}

/** A call of an image model. */
export interface PaidCall {
  readonly model: Pick<ImageModel, 'provider' | 'name'>;
  /** Of all its pictures; null when the model has no configured price, or nobody knows. */
  readonly costMicros: number | null;
  /** It may have been billed, and nobody knows. */
  readonly inDoubt: boolean;
}

/** Each card of a series looks different. */
const drawCards = async (
  { titleCards }: ImageDeps,
  wish: ImageWish,
  costMicros: number | null,
  signal: AbortSignal,
): Promise<MadeImage[]> => {
  const images: MadeImage[] = [];
  for (let variant = 0; variant < (wish.count ?? 1); variant++) {
    const { title, category, siteName } = wish;
    const png = await titleCards.render({ title, category, siteName, shape: 'wide', variant }, signal);
    images.push({
      ...(await readPicture(png)),
      origin: 'title_card',
      model: null,
      costMicros,
      alt: altOfCard(title),
    });
  }
  return images;
};

const paint = async (
  model: ImageModel,
  wish: ImageWish,
  files: readonly Uint8Array[],
): Promise<MadeImage[]> => {
  const alt = wish.alt?.trim() || altOfPicture(wish);
  const images: MadeImage[] = [];
  for (const bytes of files)
    images.push({
      ...(await readPicture(bytes)),
      origin: 'model',
      model: model.id,
      costMicros: model.price,
      alt,
    });
  return images;
};

/** What a failure says to a reader of the note. @throws the failure itself when it is no refusal but a mistake of ours. */
const reasonOf = (error: unknown): string => {
  if (error instanceof ApplicationFailure || error instanceof DomainError) return error.message;
  throw error;
};

type Painted =
  | { readonly images: MadeImage[]; readonly paid: PaidCall }
  | { readonly images: null; readonly reason: string; readonly paid: PaidCall | null };

const tryToPaint = async (model: ImageModel, wish: ImageWish, signal: AbortSignal): Promise<Painted> => {
  const { headers, count = 1 } = wish;
  const request = { prompt: imagePrompt(wish), count, signal, ...(headers === undefined ? {} : { headers }) };
  let files: Uint8Array[];
  try {
    files = await generatePictures(model, request);
  } catch (error) {
    signal.throwIfAborted();
    const paid = isUnbilled(error) ? null : { model, costMicros: null, inDoubt: true };
    return { images: null, reason: reasonOf(error), paid };
  }
  const paid = { model, costMicros: model.price === null ? null : model.price * count, inDoubt: false };
  try {
    return { images: await paint(model, wish, files), paid };
  } catch (error) {
    // It answered, and is paid for what can't be used.
    const reason = `${model.id} answered with something else. ${reasonOf(error)}`;
    return { images: null, reason, paid };
  }
};

/**
 * Makes images: by the configured model, else, or when that fails, as title cards. Nothing is stored.
 * @throws the signal's reason when it was aborted; Error when not even a title card can be drawn
 */
export const makeImage = async (
  deps: ImageDeps,
  wish: ImageWish,
  signal: AbortSignal,
): Promise<MadeImages> => {
  let painted: Painted | null;
  try {
    const model = wish.mayPaint === false ? null : await deps.imageModels.resolve();
    painted = model && (await tryToPaint(model, wish, signal));
  } catch (error) {
    signal.throwIfAborted();
    painted = { images: null, reason: reasonOf(error), paid: null };
  }
  if (painted === null) return { images: await drawCards(deps, wish, 0, signal), note: null, paid: null };
  const { paid } = painted;
  if (painted.images) return { images: painted.images, note: null, paid };
  const cost = paid?.inDoubt === false ? paid.costMicros : 0;
  return {
    images: await drawCards(deps, wish, cost, signal),
    paid,
    note: `A title card was drawn instead of a picture: ${painted.reason}`,
  };
};
