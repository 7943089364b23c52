import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startModelDouble } from '../../test/doubles/model-double.ts';
import { retryAfterMs, toModelFailure } from './errors.ts';
import { generateText } from './model.ts';
import { closeModels, failureOf, models, type Settings } from './subject.testsuite.ts';

const KEY = 'sk-test-0123456789abcdef';

afterEach(closeModels);

describe('choosing a model', () => {
  const anthropic = { apiKey: KEY, baseUrl: null };
  const openai = { apiKey: KEY, baseUrl: null };
  const google = { apiKey: KEY, baseUrl: null };

  test.each([
    ['Claude before all others when its key is there', { anthropic, openai }, /^anthropic:claude-sonnet-/],
    ['OpenAI when only its key is there', { openai }, /^openai:gpt-/],
    ['OpenAI before Gemini', { openai, google }, /^openai:gpt-/],
    ['Gemini when only its key is there', { google }, /^google:gemini-/],
    ['Ollama on this machine when it is named', { chosen: 'ollama:qwen3:4b' }, /^ollama:qwen3:4b$/],
    [
      'what was chosen, whatever keys are there',
      { chosen: 'openai:gpt-4.1', anthropic, openai },
      /^openai:gpt-4.1$/,
    ],
    ['a name with colons', { chosen: 'openai:llama3:8b', openai }, /^openai:llama3:8b$/],
    ['a provider alone with its default', { chosen: 'anthropic', anthropic }, /^anthropic:claude-sonnet-/],
  ])('takes %s', async (_what, settings: Settings, id) => {
    expect((await models(settings).resolve()).id).toMatch(id);
  });

  test.each([
    ['missing weights', {}, 'TASKLOOM_MODEL_PATH'],
    [
      'weights that are not where they should be',
      { localPath: '/nowhere/model.gguf' },
      '/nowhere/model.gguf',
    ],
    ['a missing Claude key', { chosen: 'anthropic:claude-x' }, 'ANTHROPIC_API_KEY'],
    ['a missing OpenAI key', { chosen: 'openai:gpt-x' }, 'OPENAI_API_KEY'],
    [
      'a server whose model was not named',
      { openai: { apiKey: null, baseUrl: 'http://x/v1' } },
      'TASKLOOM_MODEL',
    ],
    [
      'a base URL that is none',
      { chosen: 'openai:x', openai: { apiKey: KEY, baseUrl: 'nonsense' } },
      'OPENAI_BASE_URL',
    ],
    ['a missing Gemini key', { chosen: 'google:gemini-x' }, 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ['an Ollama whose model was not named', { chosen: 'ollama' }, 'TASKLOOM_MODEL'],
    ['an Ollama at no address', { chosen: 'ollama:x', ollama: { host: 'ftp://x' } }, 'OLLAMA_HOST'],
    ['an unknown provider', { chosen: 'skynet:t800' }, 'TASKLOOM_MODEL'],
    ['the scripted model outside tests', { chosen: 'scripted:instant' }, 'TASKLOOM_MODEL'],
  ])('refuses %s and names the setting', async (_what, settings: Settings, setting) => {
    const failure = await failureOf(models(settings).resolve());
    expect(failure).toMatchObject({ type: 'model_not_configured', nonRetryable: true });
    expect(failure.message).toContain(setting);
  });

  test('never replaces an unavailable choice by another model', async () => {
    const registry = models({ chosen: 'anthropic:claude-x', openai });
    expect((await failureOf(registry.resolve())).type).toBe('model_not_configured');
    expect((await registry.resolve('openai')).provider).toBe('openai');
  });

  test('does not take Ollama unasked, as nobody said which of its models is meant', async () => {
    const failure = await failureOf(models({ ollama: { host: '127.0.0.1' } }).resolve());
    expect(failure.message).toContain('local model');
  });

  test('asks nothing for an Ollama of one’s own', async () => {
    const registry = models({ chosen: 'ollama:qwen3:4b' });
    expect((await registry.resolve()).price).toEqual({ inputPerMtok: 0, outputPerMtok: 0 });
    expect((await registry.resolve('ollama:gpt-oss:120b-cloud')).price).toBeNull();
  });

  test('applies the configured price to the configured model alone', async () => {
    const registry = models({ anthropic, openai, inputPrice: 3_000_000, outputPrice: 15_000_000 });
    expect((await registry.resolve()).price).toEqual({ inputPerMtok: 3_000_000, outputPerMtok: 15_000_000 });
    expect((await registry.resolve('openai:gpt-x')).price).toBeNull();
  });

  test('still tells what there is when the choice names no provider', () => {
    const rows = models({ chosen: 'skynet:t800', openai }).status();
    expect(rows.map(({ chosen }) => chosen)).toEqual([false, false, false, false, false]);
  });

  test('tells of each provider whether it can be used, and what to change', () => {
    expect(models({ openai }).status()).toEqual([
      expect.objectContaining({
        provider: 'anthropic',
        available: false,
        chosen: false,
        reason: expect.stringContaining('ANTHROPIC_API_KEY'),
      }),
      expect.objectContaining({
        provider: 'openai',
        available: true,
        chosen: true,
        quality: 'standard',
        circuit: { state: 'closed', retryAt: null },
      }),
      expect.objectContaining({ provider: 'google', available: false }),
      expect.objectContaining({ provider: 'ollama', available: false }),
      expect.objectContaining({
        provider: 'local',
        available: false,
        quality: 'demo',
        reason: expect.stringContaining('missing'),
      }),
    ]);
  });
});

test('tells of an outage, and of all models of the provider at once', async () => {
  const double = await startModelDouble();
  const registry = models({ chosen: 'openai:x', openai: { apiKey: KEY, baseUrl: `${double.url}/v1` } });
  const ask = async (id: string) => {
    double.next({ kind: 'status', status: 503, message: 'down' });
    const { signal } = new AbortController();
    const onDelta = () => undefined;
    const request = { system: '', prompt: 'x', maxOutputTokens: 5, signal, onDelta };
    return failureOf(generateText(await registry.resolve(id), request));
  };
  for (const id of ['openai:x', 'openai:y', 'openai:x', 'openai:y', 'openai:x']) await ask(id);
  const rows = registry.status();
  expect(rows.map(({ provider, circuit }) => `${provider} ${circuit.state}`)).toEqual([
    'anthropic closed',
    'openai open',
    'google closed',
    'ollama closed',
    'local closed',
  ]);
  const retryAt = Date.parse(rows[1]?.circuit.retryAt ?? '');
  expect(retryAt - Date.now()).toBeGreaterThan(25_000);
  expect(retryAt - Date.now()).toBeLessThanOrEqual(30_000);
  const refused = await ask('openai:z');
  expect(Number(refused.nextRetryDelay)).toBeGreaterThan(25_000);
  expect(double.calls).toHaveLength(5);
  await double.close();
});

describe('the scripted model', () => {
  test('answers the same prompt with the same text, piece by piece', async () => {
    const model = await models({ environment: 'test' }).resolve('scripted:instant');
    const ask = async (prompt: string) => {
      const deltas: string[] = [];
      const { signal } = new AbortController();
      const onDelta = (text: string) => void deltas.push(text);
      const { text } = await generateText(model, {
        system: '',
        prompt,
        maxOutputTokens: 10,
        signal,
        onDelta,
      });
      expect(deltas.join('')).toBe(text);
      return text;
    };
    expect(await ask('Explain tea.')).toBe(await ask('Explain tea.'));
    expect(await ask('Explain tea.')).not.toBe(await ask('Explain coffee.'));
    expect((await ask('List 4 short section headings about tea.')).split('\n')).toHaveLength(4);
  });

  test('stops in the middle when aborted', async () => {
    const model = await models({ environment: 'test' }).resolve('scripted:slow');
    const stop = new AbortController();
    const reason = new Error('stopped');
    let pieces = 0;
    const onDelta = () => {
      pieces += 1;
      stop.abort(reason);
    };
    const call = generateText(model, {
      system: '',
      prompt: 'x',
      maxOutputTokens: 10,
      signal: stop.signal,
      onDelta,
    });
    await expect(call).rejects.toBe(reason);
    expect(pieces).toBe(1);
  });
});

describe('the wait that a vendor asks for', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  test.each([
    [{ 'retry-after': '30' }, 30_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 12:00:20 GMT' }, 20_000],
    [{ 'retry-after-ms': '150', 'retry-after': '1' }, 150],
    [{ 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' }, undefined],
    [{ 'retry-after': '0' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('%j is %p ms', (headers, expected) => {
    expect(retryAfterMs(headers, now)).toBe(expected);
  });
});

test('an account without credit is rejected, as no waiting cures it', async () => {
  const double = await startModelDouble();
  double.next({
    kind: 'status',
    status: 429,
    message: 'You exceeded your quota',
    code: 'insufficient_quota',
  });
  const model = await models({
    chosen: 'openai:x',
    openai: { apiKey: KEY, baseUrl: `${double.url}/v1` },
  }).resolve();
  const { signal } = new AbortController();
  const call = generateText(model, {
    system: '',
    prompt: 'x',
    maxOutputTokens: 5,
    signal,
    onDelta: () => undefined,
  });
  expect((await failureOf(call)).type).toBe('model_rejected');
  await double.close();
});

test('a credential in a message is blotted out whatever its source', () => {
  const model = { id: 'x:y', setting: 'X', redact: (text: string) => text };
  const { message } = toModelFailure(new Error('sent sk-ant-api03-abcdef and Bearer abc.def'), model);
  expect(message).toBe('x:y failed: sent [secret] and Bearer [secret]');
});

test('the double logs one line per call, with the digest of its prompt', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskloom-double-'));
  const logFile = join(folder, 'calls.jsonl');
  const double = await startModelDouble({ logFile });
  const model = await models({ anthropic: { apiKey: KEY, baseUrl: double.url } }).resolve();
  const { signal } = new AbortController();
  await generateText(model, {
    system: 's',
    prompt: 'p',
    maxOutputTokens: 5,
    signal,
    onDelta: () => undefined,
  });
  const { promptSha256 } = await double.seen(({ status }) => status === 'answered');
  const lines = readFileSync(logFile, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { at: expect.any(String), id: 1, promptSha256, status: 'answered', latency_ms: expect.any(Number) },
  ]);
  await double.close();
  rmSync(folder, { recursive: true });
});
