/**
 * Tokens that a model reads and writes at most, for vendors whose listings don't say it. Only what the vendors have
 * published for these very names, dated versions included; a newer name is unknown until somebody is certain.
 */
const KNOWN: readonly (readonly [provider: string, name: RegExp, tokens: number])[] = [
  ['anthropic', /^claude-3(-[57])?-(opus|sonnet|haiku)(-\d{8}|-latest)?$/, 200_000],
  ['anthropic', /^claude-(opus|sonnet)-4(-0|-1)?(-\d{8})?$/, 200_000],
  ['openai', /^gpt-4\.1(-mini|-nano)?(-\d{4}-\d\d-\d\d)?$/, 1_047_576],
  ['openai', /^gpt-4o(-mini)?(-\d{4}-\d\d-\d\d)?$/, 128_000],
  ['openai', /^gpt-4-turbo(-\d{4}-\d\d-\d\d)?$/, 128_000],
  ['openai', /^o(1|3|3-mini|4-mini)(-\d{4}-\d\d-\d\d)?$/, 200_000],
];

/** @returns tokens, or null where nothing certain is known. */
export const knownContextWindow = (provider: string, name: string): number | null =>
  KNOWN.find(([of, pattern]) => of === provider && pattern.test(name))?.[2] ?? null;
