import type { ApplicationFailure } from '@temporalio/common';
import {
  IMAGE_KEYS,
  imageObstacle,
  parseImageChoice,
  type ImageChoice,
  type ImagesConfig,
} from '../../platform/image-choice.ts';
import { modelFailure } from '../models/errors.ts';
import type { ImageModel, Painter } from './image-model.ts';

export interface ImageModels {
  /**
   * @returns the configured image model; null where none is, so that the title card stands in
   * @throws ApplicationFailure `model_not_configured` that names the setting to change
   */
  resolve(): Promise<ImageModel | null>;
  /** What is configured and whether it can be used; null where nothing is. */
  status(): { id: string; available: boolean; reason: string | null } | null;
}

/** A vendor's SDK is loaded for its first picture: most installations draw title cards. */
const open = async ({ provider, name }: ImageChoice, config: ImagesConfig): Promise<Painter> => {
  const { apiKey, baseUrl } = config[provider];
  if (provider === 'openai')
    return (await import('./providers/openai.ts')).openAiImage(name, apiKey ?? '', baseUrl);
  if (provider === 'google')
    return (await import('./providers/google.ts')).googleImage(name, apiKey ?? '', baseUrl);
  return (await import('./providers/compatible.ts')).compatibleImage(name, apiKey, baseUrl ?? '');
};

const notConfigured = (message: string): ApplicationFailure => modelFailure('model_not_configured', message);

/** The image model of this process, from its configuration. Nothing is contacted before the first call. */
export const createImageModels = (config: ImagesConfig): ImageModels => {
  const id = config.chosen;
  if (id === null) return { resolve: async () => null, status: () => null };
  const choice = parseImageChoice(id);
  const reason = imageObstacle(choice, id, config);
  return {
    resolve: async () => {
      if (reason !== null || choice === undefined) throw notConfigured(reason ?? id);
      const secret = config[choice.provider].apiKey;
      return {
        ...choice,
        ...(await open(choice, config)),
        id,
        price: config.price,
        setting: IMAGE_KEYS[choice.provider],
        redact: (text) => (secret === null ? text : text.replaceAll(secret, '[secret]')),
      };
    },
    status: () => ({ id, available: reason === null, reason }),
  };
};
