import { expect, test } from '@jest/globals';
import { knownAbilities, qualityOfName, qualityOfWeights } from './known.ts';

test.each([
  ['anthropic', 'claude-sonnet-5-5', ['structured_output', 'tools', 'vision']],
  ['anthropic', 'claude-2.1', []],
  ['openai', 'gpt-5.4-mini', ['structured_output', 'tools', 'vision']],
  ['openai', 'gpt-4o-mini-2024-07-18', ['structured_output', 'tools', 'vision']],
  ['openai', 'gpt-4o-audio-preview', []],
  ['openai', 'o3-mini', ['structured_output', 'tools']],
  ['openai', 'gpt-4-turbo', ['tools', 'vision']],
  ['openai', 'gpt-3.5-turbo-instruct', []],
  ['openai', 'text-embedding-3-small', ['embeddings']],
  ['openai', 'gpt-image-1', ['image']],
  ['openai', 'whisper-1', []],
  ['google', 'gemini-2.5-flash', ['structured_output', 'tools', 'vision']],
  ['google', 'gemini-2.5-flash-image', ['vision', 'image']],
  ['google', 'gemini-2.5-flash-preview-tts', []],
  ['google', 'gemini-embedding-001', ['embeddings']],
  ['google', 'gemma-3-1b-it', []],
] as const)('%s:%s can do %j', (vendor, name, abilities) => {
  expect(knownAbilities(vendor, name)).toEqual(abilities);
});

test('small weights are for demonstrations', () => {
  expect([98_362_432, 999_999_999, 1_000_000_000].map(qualityOfWeights)).toEqual([
    'demo',
    'demo',
    'standard',
  ]);
});

test.each([
  ['smollm:135m', 'demo'],
  ['qwen3:0.6b', 'demo'],
  ['qwen3:0.6b-q4_K_M', 'demo'],
  ['llama3.1:8b', 'standard'],
  ['gemma3:270m-it', 'demo'],
  ['mistral', 'standard'],
  ['phi3:3.8b', 'standard'],
  ['qwen3:10.6b', 'standard'],
] as const)('%s is of %s quality by its name', (name, quality) => {
  expect(qualityOfName(name)).toBe(quality);
});
