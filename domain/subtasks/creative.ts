import { subject, systemFor, type Brief, type Prompt } from '../content/prompts.ts';
import type { JsonObject } from '../json.ts';

/** About how many words each length has. */
const WORDS = { short: 100, medium: 300, long: 600 } as const;
export type Length = keyof typeof WORDS;

const TONES = {
  professional: 'professional and factual',
  casual: 'casual and friendly',
  humorous: 'humorous and light',
} as const;
export type CreativeStyle = keyof typeof TONES;

/** What is to be written. */
export interface CreativeWish {
  readonly brief: Brief;
  readonly words: number;
  /** Too much for one answer of a model that is only good for a demonstration. */
  readonly isLong: boolean;
}

export const creativeWish = (request: JsonObject): CreativeWish => {
  const { topic, style, length } = request as { topic: string; style: CreativeStyle; length: Length };
  return { brief: { topic, tone: TONES[style] }, words: WORDS[length], isLong: length !== 'short' };
};

/** Asks for the whole text at once; `cleanSection` reads the answer. */
export const creativePrompt = ({ brief, words, isLong }: CreativeWish): Prompt => ({
  system: systemFor(brief),
  prompt: isLong
    ? `Write about ${words} words on ${subject(brief)} in Markdown, with a few short "##" section titles. Answer with the text only.`
    : `Write two short paragraphs on ${subject(brief)}. Use about ${words} words.`,
  maxOutputTokens: Math.max(220, 2 * words),
});

/** A text out of its sections. */
export const composed = (sections: readonly { readonly heading: string; readonly text: string }[]): string =>
  sections.map(({ heading, text }) => `## ${heading}\n\n${text}`).join('\n\n');

/** How many words a text has, headings and all. */
export const countWords = (text: string): number => text.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu)?.length ?? 0;
