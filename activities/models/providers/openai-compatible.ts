import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';

/**
 * A model of any server that speaks OpenAI's chat completions (vLLM, LM Studio, llama.cpp, OpenRouter).
 * @param apiKey null for servers without keys
 * @param baseUrl up to and including the version, as `OPENAI_BASE_URL` is usually given
 */
export const openAiCompatibleLanguage = (
  name: string,
  apiKey: string | null,
  baseUrl: string,
): LanguageModelV4 =>
  createOpenAICompatible({
    name: 'openai',
    baseURL: baseUrl,
    includeUsage: true,
    ...(apiKey === null ? {} : { apiKey }),
  })(name);
