import type { ApplicationFailure } from '@temporalio/common';
import type { Config } from '../../platform/config.ts';
import { modelFailure } from '../models/errors.ts';
import type { ImageModel, Painter } from './image-model.ts';

type ImagesConfig = Config['images'];

const PROVIDERS = ['openai', 'google', 'compatible'] as const;
type Provider = (typeof PROVIDERS)[number];

export interface ImageModels {
  /**
   * @returns the configured image model; null where none is, so that the title card stands in
   * @throws ApplicationFailure `model_not_configured` that names the setting to change
   */
  resolve(): Promise<ImageModel | null>;
  /** What is configured and whether it can be used; null where nothing is. */
  status(): { id: string; available: boolean; reason: string | null } | null;
}

interface Choice {
  readonly provider: Provider;
  readonly name: string;
}

/** Names may hold colons themselves. Undefined for an unknown provider. */
const parseChoice = (id: string): Choice | undefined => {
  const [word = '', ...rest] = id.split(':');
  const provider = PROVIDERS.find((known) => known === word);
  return provider && { provider, name: rest.join(':') };
};

const isUrl = (url: string | null): boolean => url === null || URL.canParse(url);

/** What stands in the way of a choice, in words that name the setting to change; null when nothing does. */
const obstacle = (choice: Choice | undefined, id: string, config: ImagesConfig): string | null => {
  if (!choice)
    return `"${id}" names no known image provider: TASKLOOM_IMAGE_MODEL is provider:name, with the provider openai, google or compatible, or none`;
  const { provider, name } = choice;
  if (name === '') return `Say which model makes images: set TASKLOOM_IMAGE_MODEL to ${provider}:<name>`;
  const { apiKey, baseUrl } = config[provider];
  if (!isUrl(baseUrl)) return `${ADDRESSES[provider]} is no URL: ${baseUrl}`;
  if (provider === 'compatible')
    return baseUrl === null
      ? 'An image server needs an address: set TASKLOOM_IMAGE_BASE_URL, with its version, such as http://host:8080/v1'
      : null;
  // Google's older image models have no door in the vendor's SDK any more.
  if (provider === 'google' && !name.startsWith('gemini-'))
    return `Of Google's models only those called gemini-… make images: set TASKLOOM_IMAGE_MODEL to one of them, not ${name}`;
  return apiKey === null ? `Images by ${provider} need a key: set ${KEYS[provider]}` : null;
};

const KEYS: Readonly<Record<Provider, string>> = {
  openai: 'OPENAI_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
  compatible: 'TASKLOOM_IMAGE_API_KEY',
};
const ADDRESSES: Readonly<Record<Provider, string>> = {
  openai: 'OPENAI_BASE_URL',
  google: 'GOOGLE_GENERATIVE_AI_BASE_URL',
  compatible: 'TASKLOOM_IMAGE_BASE_URL',
};

/** A vendor's SDK is loaded for its first picture: most installations draw title cards. */
const open = async ({ provider, name }: Choice, config: ImagesConfig): Promise<Painter> => {
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
  const choice = parseChoice(id);
  const reason = obstacle(choice, id, config);
  return {
    resolve: async () => {
      if (reason !== null || choice === undefined) throw notConfigured(reason ?? id);
      const secret = config[choice.provider].apiKey;
      return {
        ...choice,
        ...(await open(choice, config)),
        id,
        price: config.price,
        setting: KEYS[choice.provider],
        redact: (text) => (secret === null ? text : text.replaceAll(secret, '[secret]')),
      };
    },
    status: () => ({ id, available: reason === null, reason }),
  };
};
