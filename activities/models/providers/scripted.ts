import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';

/** Milliseconds before each chunk, by the model's name. */
const CHUNK_DELAY_MS: Readonly<Record<string, number>> = { instant: 0, slow: 40 };
const HEADINGS = ['Why it matters', 'How to begin', 'Common mistakes', 'What to do next'];
const WORDS_PER_CHUNK = 4;
const TOKENS_PER_WORD = 1.3;

/** The names that `scripted:<name>` accepts. */
export const SCRIPTED_NAMES: readonly string[] = Object.keys(CHUNK_DELAY_MS);

/**
 * A deterministic answer to a prompt: headings, one a line, when it asks for headings or an outline, one line
 * when it asks for a title, else two paragraphs that carry a digest of the prompt, so that other prompts differ.
 */
export const scriptedAnswer = (prompt: string): string => {
  const digest = createHash('sha256').update(prompt).digest('hex').slice(0, 8);
  if (/\b(list|write|give)\b[^.\n]*\b(headings|outline)\b/i.test(prompt)) return HEADINGS.join('\n');
  if (/\bwrite\b[^.\n]*\btitle\b/i.test(prompt)) return `Scripted title ${digest}`;
  return [
    `This paragraph was written by the scripted model for the prompt ${digest}. It says the same thing every time, so that a test can compare two runs word by word.`,
    `A second paragraph follows, as an article has more than one. It ends with a complete sentence.`,
  ].join('\n\n');
};

const promptText = (prompt: LanguageModelV4Prompt): string =>
  prompt
    .flatMap(({ content }) =>
      typeof content === 'string'
        ? [content]
        : content.map((part) => (part.type === 'text' ? part.text : '')),
    )
    .join('\n');

const tokens = (text: string): number =>
  Math.ceil(text.split(/\s+/).filter(Boolean).length * TOKENS_PER_WORD);

const usage = (input: number, output: number) => ({
  inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: output, text: output, reasoning: undefined },
});

const chunksOf = (text: string): string[] => {
  const words = text.match(/\S+\s*/g) ?? [];
  const chunks: string[] = [];
  for (let at = 0; at < words.length; at += WORDS_PER_CHUNK)
    chunks.push(words.slice(at, at + WORDS_PER_CHUNK).join(''));
  return chunks;
};

async function* parts(
  { prompt, abortSignal }: LanguageModelV4CallOptions,
  delayMs: number,
): AsyncGenerator<LanguageModelV4StreamPart> {
  const question = promptText(prompt);
  const text = scriptedAnswer(question);
  yield { type: 'stream-start', warnings: [] };
  yield { type: 'text-start', id: '0' };
  for (const delta of chunksOf(text)) {
    if (delayMs > 0) await delay(delayMs, undefined, abortSignal ? { signal: abortSignal } : {});
    abortSignal?.throwIfAborted();
    yield { type: 'text-delta', id: '0', delta };
  }
  yield { type: 'text-end', id: '0' };
  yield {
    type: 'finish',
    usage: usage(tokens(question), tokens(text)),
    finishReason: { unified: 'stop', raw: undefined },
  };
}

/** A model for tests that thinks nothing: the registry gives it out only where `TASKLOOM_ENV` is `test`. */
export const scriptedLanguage = (name: string): LanguageModelV4 => ({
  specificationVersion: 'v4',
  provider: 'scripted',
  modelId: name,
  supportedUrls: {},
  doStream: async (options) => ({ stream: ReadableStream.from(parts(options, CHUNK_DELAY_MS[name] ?? 0)) }),
  doGenerate: async ({ prompt }) => {
    const question = promptText(prompt);
    const text = scriptedAnswer(question);
    return {
      content: [{ type: 'text', text }],
      usage: usage(tokens(question), tokens(text)),
      finishReason: { unified: 'stop', raw: undefined },
      warnings: [],
    };
  },
});
