import { createGoogle } from '@ai-sdk/google';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { lessThinking } from './less-thinking.ts';

/** The default of an installation that has a key and chose nothing. */
export const DEFAULT_GOOGLE_MODEL = 'gemini-3.5-flash';

/** Those that think unless they are told not to; older ones and Gemma refuse to be told. */
const THINKS = /^gemini-(2\.5|[3-9]|\d\d|flash|pro)/;

/** Where the Gemini API lies, with its version and without a slash at its end. */
export const googleUrl = (baseUrl: string | null): string => {
  const trimmed = (baseUrl ?? 'https://generativelanguage.googleapis.com').replace(/\/+$/, '');
  return /\/v\d\w*$/.test(trimmed) ? trimmed : `${trimmed}/v1beta`;
};

/**
 * A Gemini or Gemma model over Google's Gemini API.
 * @param baseUrl host to call instead of Google's, with or without its version
 */
export const googleLanguage = (name: string, apiKey: string, baseUrl: string | null): LanguageModelV4 => {
  const model = createGoogle({ apiKey, baseURL: googleUrl(baseUrl) })(name);
  return THINKS.test(name) ? lessThinking(model) : model;
};
