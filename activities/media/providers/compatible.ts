import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { Painter, Shape } from '../image-model.ts';

/** The size that all of them know, and the picture itself in the answer, not an address to fetch it from. */
const SHAPE: Shape = {
  size: '1024x1024',
  providerOptions: { compatible: { response_format: 'b64_json' } },
};

/**
 * Any server that speaks OpenAI's `/images/generations` (LocalAI, vLLM, stable-diffusion.cpp and others).
 * @param apiKey null for servers without keys
 * @param baseUrl up to and including the version
 */
export const compatibleImage = (name: string, apiKey: string | null, baseUrl: string): Painter => ({
  image: createOpenAICompatible({
    name: 'compatible',
    baseURL: baseUrl,
    ...(apiKey === null ? {} : { apiKey }),
  }).imageModel(name),
  shape: SHAPE,
});
