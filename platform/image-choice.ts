import type { Config } from './config.ts';

export type ImagesConfig = Config['images'];

const PROVIDERS = ['openai', 'google', 'compatible'] as const;
type Provider = (typeof PROVIDERS)[number];

export interface ImageChoice {
  readonly provider: Provider;
  readonly name: string;
}

/** Names may hold colons themselves. Undefined for an unknown provider. */
export const parseImageChoice = (id: string): ImageChoice | undefined => {
  const [word = '', ...rest] = id.split(':');
  const provider = PROVIDERS.find((known) => known === word);
  return provider && { provider, name: rest.join(':') };
};

const isUrl = (url: string | null): boolean => url === null || URL.canParse(url);

/** What stands in the way of a choice, in words that name the setting to change; null when nothing does. */
export const imageObstacle = (
  choice: ImageChoice | undefined,
  id: string,
  config: ImagesConfig,
): string | null => {
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
  return apiKey === null ? `Images by ${provider} need a key: set ${IMAGE_KEYS[provider]}` : null;
};

/** Where each provider's key is set. */
export const IMAGE_KEYS: Readonly<Record<Provider, string>> = {
  openai: 'OPENAI_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
  compatible: 'TASKLOOM_IMAGE_API_KEY',
};
const ADDRESSES: Readonly<Record<Provider, string>> = {
  openai: 'OPENAI_BASE_URL',
  google: 'GOOGLE_GENERATIVE_AI_BASE_URL',
  compatible: 'TASKLOOM_IMAGE_BASE_URL',
};
