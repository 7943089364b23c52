import { createOpenAI } from '@ai-sdk/openai';
import type { Painter, Shape } from '../image-model.ts';

/** The widest format of a model: each generation takes only its own. */
const shapeOf = (name: string): Shape => {
  if (name.startsWith('dall-e-3')) return { size: '1792x1024' };
  return { size: name.startsWith('dall-e-2') ? '1024x1024' : '1536x1024' };
};

/** @param baseUrl up to and including the version, as `OPENAI_BASE_URL` is usually given; null for OpenAI itself */
export const openAiImage = (name: string, apiKey: string, baseUrl: string | null): Painter => ({
  image: createOpenAI({ apiKey, ...(baseUrl === null ? {} : { baseURL: baseUrl }) }).image(name),
  shape: shapeOf(name),
});
