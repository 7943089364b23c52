import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';

export const OPENAI_BASE_URL = 'https://api.openai.com/v1';
/** Only for OpenAI proper: other servers have names of their own, so there one must be chosen. */
export const DEFAULT_OPENAI_MODEL = 'gpt-5.4-mini';

/** Whether a base URL (null: none configured) means OpenAI itself. */
export const isOpenAi = (baseUrl: string | null): boolean =>
  baseUrl === null || (URL.canParse(baseUrl) && new URL(baseUrl).hostname === 'api.openai.com');

/** OpenAI's reasoning models refuse `max_tokens` and any temperature; compatible servers know only `max_tokens`. */
const forOpenAi = ({
  max_tokens,
  temperature,
  ...body
}: Record<string, unknown>): Record<string, unknown> => ({
  ...body,
  max_completion_tokens: max_tokens,
  ...(/^(o\d|gpt-[5-9])/.test(String(body['model'])) ? {} : { temperature }),
});

/**
 * A model over OpenAI's chat completions: OpenAI itself, or any server that speaks them (Ollama, vLLM, LM Studio).
 * @param apiKey null for servers without keys
 * @param baseUrl up to and including the version, as `OPENAI_BASE_URL` is usually given; null for OpenAI itself
 */
export const openAiCompatibleLanguage = (
  name: string,
  apiKey: string | null,
  baseUrl: string | null,
): LanguageModelV4 =>
  createOpenAICompatible({
    name: 'openai',
    baseURL: baseUrl ?? OPENAI_BASE_URL,
    includeUsage: true,
    ...(apiKey === null ? {} : { apiKey }),
    ...(isOpenAi(baseUrl) ? { transformRequestBody: forOpenAi } : {}),
  })(name);
