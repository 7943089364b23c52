import { createAnthropic } from '@ai-sdk/anthropic';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { lessThinking } from './less-thinking.ts';

/** The default of an installation that has a key and chose nothing. */
export const DEFAULT_ANTHROPIC_MODEL = 'claude-sonnet-5-5';

/**
 * Where the Messages API lies, with its version and without a slash at its end: `ANTHROPIC_BASE_URL` is the host
 * without a version, as Anthropic's own SDKs read it.
 */
export const anthropicUrl = (baseUrl: string | null): string => {
  const trimmed = (baseUrl ?? 'https://api.anthropic.com').replace(/\/+$/, '');
  return trimmed.endsWith('/v1') ? trimmed : `${trimmed}/v1`;
};

/**
 * A Claude model over Anthropic's Messages API.
 * @param baseUrl host to call instead of Anthropic's, with or without `/v1`
 */
export const anthropicLanguage = (name: string, apiKey: string, baseUrl: string | null): LanguageModelV4 =>
  lessThinking(createAnthropic({ apiKey, baseURL: anthropicUrl(baseUrl) })(name));
