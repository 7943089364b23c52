import type { Ability, Quality } from './catalogue.ts';

/** Weights smaller than this were never seen to judge or choose well. */
const STANDARD_WEIGHTS_BYTES = 1_000_000_000;

const ALL: readonly Ability[] = ['structured_output', 'tools', 'vision'];

type Row = readonly [name: RegExp, abilities: readonly Ability[]];

/** What the vendors' documents say of whole families; the first row that fits counts. Of all else nothing is said. */
const KNOWN: Readonly<Record<string, readonly Row[]>> = {
  anthropic: [
    [/^claude-(2|instant)/, []],
    [/^claude-/, ALL],
  ],
  openai: [
    [/^text-embedding-/, ['embeddings']],
    [/^(gpt-image-|dall-e-)/, ['image']],
    // Other modes of the same families, which chat completions do not serve or serve without tools.
    [/-(audio|realtime|transcribe|tts|search|codex|pro|deep-research|chat|instruct)\b/, []],
    [/^o1-(mini|preview)/, []],
    [/^o3-mini/, ['structured_output', 'tools']],
    [/^(gpt-4o|gpt-4\.1|gpt-[5-9]|o[134])/, ALL],
    [/^gpt-4-turbo/, ['tools', 'vision']],
    [/^gpt-(4|3\.5-turbo)/, ['tools']],
  ],
  google: [
    [/embedding/, ['embeddings']],
    [/^imagen-/, ['image']],
    [/^gemini-.*\b(tts|audio|live|robotics|computer-use)\b/, []],
    [/^gemini-.*\bimage\b/, ['vision', 'image']],
    [/^gemini-/, ALL],
  ],
};

/** What a vendor's model is certain to be able to do, by its name; nothing for names that no row knows. */
export const knownAbilities = (vendor: 'anthropic' | 'openai' | 'google', name: string): readonly Ability[] =>
  KNOWN[vendor]?.find(([pattern]) => pattern.test(name))?.[1] ?? [];

/** The quality of weights by their size in bytes. */
export const qualityOfWeights = (sizeBytes: number): Quality =>
  sizeBytes < STANDARD_WEIGHTS_BYTES ? 'demo' : 'standard';

/** The quality of a model by the count of weights in its name (`qwen3:0.6b`, `smollm:135m`), where it has one. */
export const qualityOfName = (name: string): Quality =>
  /(^|[^\d.])(\d+m|0\.\d+b)([^a-z\d]|$)/i.test(name) ? 'demo' : 'standard';
