import { createGoogle } from '@ai-sdk/google';
import type { Painter } from '../image-model.ts';

/** @param baseUrl of a gateway, with or without the version; null for Google itself */
export const googleImage = (name: string, apiKey: string, baseUrl: string | null): Painter => {
  const address = baseUrl?.replace(/\/+$/, '');
  const google = createGoogle({
    apiKey,
    ...(address === undefined ? {} : { baseURL: /\/v\d\w*$/.test(address) ? address : `${address}/v1beta` }),
  });
  return { image: google.image(name), shape: { aspectRatio: '16:9' } };
};
