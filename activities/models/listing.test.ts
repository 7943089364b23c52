import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startModelDouble, type ModelDouble } from '../../test/doubles/model-double.ts';
import { startOllamaDouble } from '../../test/doubles/ollama-double.ts';
import { until } from '../../test/harness/until.ts';
import type { ProviderModels } from './registry.ts';
import { closeModels, models, type Settings } from './subject.testsuite.ts';

const KEY = 'sk-test-0123456789abcdef';
const UNSAID = {
  contextWindow: null,
  maxOutputTokens: null,
  abilities: [],
  quality: 'standard',
  sizeBytes: null,
  parameters: null,
  quantization: null,
};
const ALL = ['structured_output', 'tools', 'vision'];

let double: ModelDouble;
beforeEach(async () => {
  double = await startModelDouble();
});
afterEach(async () => {
  await closeModels();
  await double.close();
});

/** What one provider of an installation says. */
const said = async (provider: string, settings: Settings): Promise<ProviderModels | undefined> =>
  (await models(settings).list()).find((row) => row.provider === provider);

describe('the models of a provider', () => {
  test('Claude’s with their names, limits and what they can do', async () => {
    const capabilities = (vision: boolean) => ({ image_input: { supported: vision } });
    double.lists['/v1/models'] = {
      body: {
        data: [
          {
            type: 'model',
            id: 'claude-sonnet-5-5',
            display_name: 'Claude Sonnet 5.5',
            created_at: '2026-09-01T00:00:00Z',
            max_input_tokens: 1_000_000,
            max_tokens: 128_000,
            capabilities: capabilities(true),
          },
          {
            type: 'model',
            id: 'claude-blind-9',
            display_name: 'Claude Blind',
            capabilities: capabilities(false),
          },
        ],
        has_more: false,
      },
    };
    expect(await said('anthropic', { anthropic: { apiKey: KEY, baseUrl: double.url } })).toEqual({
      provider: 'anthropic',
      error: null,
      models: [
        {
          ...UNSAID,
          id: 'anthropic:claude-sonnet-5-5',
          provider: 'anthropic',
          name: 'claude-sonnet-5-5',
          title: 'Claude Sonnet 5.5',
          contextWindow: 1_000_000,
          maxOutputTokens: 128_000,
          abilities: ALL,
        },
        expect.objectContaining({
          title: 'Claude Blind',
          contextWindow: null,
          abilities: ['structured_output', 'tools'],
        }),
      ],
    });
  });

  test('OpenAI’s, of which it says nothing but their names', async () => {
    const ids = ['gpt-5.4-mini', 'text-embedding-3-small', 'a-model-of-tomorrow'];
    double.lists['/v1/models'] = {
      body: {
        object: 'list',
        data: ids.map((id) => ({ id, object: 'model', created: 1, owned_by: 'openai' })),
      },
    };
    const row = await said('openai', {
      openai: { apiKey: KEY, baseUrl: null },
      openAiUrl: `${double.url}/v1`,
    });
    expect(row?.models.map(({ id, abilities, contextWindow }) => [id, abilities, contextWindow])).toEqual([
      ['openai:gpt-5.4-mini', ALL, null],
      ['openai:text-embedding-3-small', ['embeddings'], null],
      ['openai:a-model-of-tomorrow', [], null],
    ]);
  });

  test('a compatible server’s, with what some of them say beyond OpenAI', async () => {
    double.lists['/v1/models'] = {
      body: {
        object: 'list',
        data: [
          { id: 'Qwen/Qwen3-8B', object: 'model', max_model_len: 40_960 },
          {
            id: 'meta/llama',
            name: 'Meta: Llama',
            context_length: 131_072,
            top_provider: { max_completion_tokens: 16_384 },
          },
        ],
      },
    };
    const row = await said('openai', { openai: { apiKey: null, baseUrl: `${double.url}/v1` } });
    expect(row).toMatchObject({
      error: null,
      models: [
        { id: 'openai:Qwen/Qwen3-8B', contextWindow: 40_960, maxOutputTokens: null, abilities: [] },
        { title: 'Meta: Llama', contextWindow: 131_072, maxOutputTokens: 16_384, abilities: [] },
      ],
    });
  });

  test('Google’s, without the word before their names', async () => {
    double.lists['/v1beta/models'] = {
      body: {
        models: [
          {
            name: 'models/gemini-3.5-flash',
            displayName: 'Gemini 3.5 Flash',
            inputTokenLimit: 1_048_576,
            outputTokenLimit: 65_536,
            supportedGenerationMethods: ['generateContent'],
          },
          { name: 'models/gemini-embedding-001', supportedGenerationMethods: ['embedContent'] },
        ],
      },
    };
    expect(await said('google', { google: { apiKey: KEY, baseUrl: double.url } })).toMatchObject({
      error: null,
      models: [
        {
          id: 'google:gemini-3.5-flash',
          title: 'Gemini 3.5 Flash',
          contextWindow: 1_048_576,
          maxOutputTokens: 65_536,
          abilities: ALL,
        },
        { name: 'gemini-embedding-001', title: 'gemini-embedding-001', abilities: ['embeddings'] },
      ],
    });
  });

  test('Ollama’s, with what each of them tells of itself', async () => {
    const ollama = await startOllamaDouble({
      models: [
        { name: 'llama3.1:8b', contextLength: 131_072, capabilities: ['completion', 'tools'] },
        { name: 'nomic:137m', size: 274_302_450, parameterCount: 136_727_040, capabilities: ['embedding'] },
      ],
    });
    const row = await said('ollama', { ollama: { host: ollama.host } });
    expect(row).toMatchObject({
      error: null,
      models: [
        {
          id: 'ollama:llama3.1:8b',
          name: 'llama3.1:8b',
          contextWindow: 131_072,
          abilities: ['structured_output', 'tools'],
          quality: 'standard',
          sizeBytes: 4_920_753_328,
          parameters: 8_030_261_248,
          quantization: 'Q4_K_M',
        },
        { name: 'nomic:137m', abilities: ['embeddings'], quality: 'demo', parameters: 136_727_040 },
      ],
    });
    await ollama.close();
  });

  test('the local model’s file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskloom-list-'));
    const localPath = join(folder, 'Tiny-Q4_K_M.gguf');
    writeFileSync(localPath, 'x'.repeat(1000));
    expect(await said('local', { localPath })).toEqual({
      provider: 'local',
      error: null,
      models: [
        {
          ...UNSAID,
          id: 'local:tiny-q4_k_m',
          provider: 'local',
          name: 'tiny-q4_k_m',
          title: 'tiny-q4_k_m',
          contextWindow: 2048,
          abilities: ['structured_output'],
          quality: 'demo',
          sizeBytes: 1000,
          quantization: 'Q4_K_M',
        },
      ],
    });
    rmSync(folder, { recursive: true });
  });
});

describe('a provider that cannot tell its models', () => {
  test.each([
    ['refuses the key', { status: 401, body: { error: { message: `bad ${KEY}` } } }, 'ANTHROPIC_API_KEY'],
    ['is down', { status: 503, body: {} }, 'HTTP 503'],
    ['answers something else', { body: { hello: 'world' } }, 'no list'],
  ])('%s: says so without its key, and the others are listed', async (_what, list, words) => {
    double.lists['/v1/models'] = list;
    double.lists['/v1beta/models'] = { body: { models: [{ name: 'models/gemini-x' }] } };
    const rows = await models({
      anthropic: { apiKey: KEY, baseUrl: double.url },
      google: { apiKey: KEY, baseUrl: double.url },
    }).list();
    expect(rows.map(({ provider, models: { length } }) => [provider, length])).toEqual([
      ['anthropic', 0],
      ['google', 1],
      ['local', 0],
    ]);
    expect(rows[0]?.error).toContain(words);
    expect(rows[0]?.error).not.toContain(KEY);
    expect(rows[1]?.error).toBeNull();
    expect(rows[2]?.error).toContain('TASKLOOM_MODEL_PATH');
  });

  test('is away: says which setting to check', async () => {
    await double.close();
    const row = await said('ollama', { ollama: { host: double.url } });
    expect(row?.models).toEqual([]);
    expect(row?.error).toContain('OLLAMA_HOST');
    double = await startModelDouble();
  });

  test('hangs: is left when the caller leaves', async () => {
    const ollama = await startOllamaDouble({ silent: true });
    const stop = new AbortController();
    const reason = new Error('stopped');
    const listing = expect(models({ ollama: { host: ollama.host } }).list(stop.signal)).rejects.toBe(reason);
    await until(async () => ollama.open() === 1, 'the request at the double');
    stop.abort(reason);
    await listing;
    await until(async () => ollama.open() === 0, 'the closed connection', 2_000);
    await ollama.close();
  });
});

test('providers of which nothing was said are not asked', async () => {
  const rows = await models({ ollama: { host: null } }).list();
  expect(rows.map(({ provider }) => provider)).toEqual(['local']);
});
