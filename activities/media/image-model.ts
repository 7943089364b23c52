import type { ImageModelV4 } from '@ai-sdk/provider';
import type { ApplicationFailure } from '@temporalio/common';
import { generateImage, NoImageGeneratedError } from 'ai';
import { modelFailure, toModelFailure, type FailingModel } from '../models/errors.ts';

// What a model ignores is no news for stderr at every call.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** How a vendor is asked for a wide picture: some take pixels, some a ratio. */
export interface Shape {
  readonly size?: `${number}x${number}`;
  readonly aspectRatio?: `${number}:${number}`;
  readonly providerOptions?: Record<string, Record<string, string>>;
}

/** A vendor's model, and how to ask it. */
export interface Painter {
  readonly image: ImageModelV4;
  readonly shape: Shape;
}

/** One usable image model. `id` is `provider:name`; `price` are micro-dollars an image, null where nobody said. */
export interface ImageModel extends FailingModel, Painter {
  readonly provider: string;
  readonly name: string;
  readonly price: number | null;
}

export interface ImageRequest {
  readonly prompt: string;
  readonly count: number;
  /** Sent along with the call, such as `traceparent`. */
  readonly headers?: Record<string, string>;
  /** Aborting closes the connection to the vendor at once. */
  readonly signal: AbortSignal;
}

/** Vendors answer so to what they do not want to paint: asking again would not help. */
const withoutPicture = (model: ImageModel): ApplicationFailure =>
  modelFailure('model_rejected', `${model.id} answered without a picture`);

/**
 * Asks a model for pictures. The vendor SDK's own retries are off: the caller decides.
 * @returns as many files as were asked for, in whatever format the vendor chose; nothing has looked into them
 * @throws ApplicationFailure of a ModelErrorType; the signal's reason when it was aborted
 */
export const generatePictures = async (model: ImageModel, request: ImageRequest): Promise<Uint8Array[]> => {
  request.signal.throwIfAborted();
  const ended = new AbortController();
  try {
    const { images } = await generateImage({
      model: model.image,
      prompt: request.prompt,
      n: request.count,
      ...model.shape,
      ...(request.headers === undefined ? {} : { headers: request.headers }),
      maxRetries: 0,
      abortSignal: AbortSignal.any([request.signal, ended.signal]),
    });
    request.signal.throwIfAborted();
    if (images.length < request.count) throw withoutPicture(model);
    return images.map(({ uint8Array }) => uint8Array);
  } catch (error) {
    request.signal.throwIfAborted();
    throw NoImageGeneratedError.isInstance(error) ? withoutPicture(model) : toModelFailure(error, model);
  } finally {
    // Several pictures may be several calls: when one has failed, nobody waits for the others.
    ended.abort();
  }
};
