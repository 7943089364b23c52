import { createAnthropic } from '@ai-sdk/anthropic';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { wrapLanguageModel } from 'ai';

/** The default of an installation that has a key and chose nothing. */
export const DEFAULT_ANTHROPIC_MODEL = 'claude-sonnet-5-5';

/** `ANTHROPIC_BASE_URL` is the host without a version, as Anthropic's own SDKs read it; the AI SDK wants `/v1`. */
const versioned = (baseUrl: string): string => {
  const trimmed = baseUrl.replace(/\/+$/, '');
  return trimmed.endsWith('/v1') ? trimmed : `${trimmed}/v1`;
};

/**
 * A Claude model over Anthropic's Messages API, thinking turned down as far as the model allows: thinking counts
 * against the output tokens, and our calls ask for short texts.
 * @param baseUrl host to call instead of Anthropic's, with or without `/v1`
 */
export const anthropicLanguage = (name: string, apiKey: string, baseUrl: string | null): LanguageModelV4 =>
  wrapLanguageModel({
    model: createAnthropic({ apiKey, baseURL: versioned(baseUrl ?? 'https://api.anthropic.com') })(name),
    middleware: {
      specificationVersion: 'v4',
      transformParams: ({ params }) => Promise.resolve({ ...params, reasoning: params.reasoning ?? 'none' }),
    },
  });
