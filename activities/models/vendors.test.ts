import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startModelDouble, type ModelDouble } from '../../test/doubles/model-double.ts';
import { generateText } from './model.ts';
import { generateStructured } from './structured.ts';
import { at, closeModels, failureOf, models, never, type Settings } from './subject.testsuite.ts';

const KEY = 'sk-test-0123456789abcdef';

let double: ModelDouble;
beforeEach(async () => {
  double = await startModelDouble();
});
afterEach(async () => {
  await closeModels();
  await double.close();
});

const ask = async (settings: Settings) =>
  generateText(await models(settings).resolve(), {
    system: 's',
    prompt: 'p',
    maxOutputTokens: 50,
    temperature: 0.5,
    signal: never(),
    onDelta: () => undefined,
  });

const google = (chosen?: string): Settings => ({
  ...(chosen === undefined ? {} : { chosen }),
  google: { apiKey: KEY, baseUrl: double.url },
});
const ollama = (): Settings => ({ chosen: 'ollama:qwen3:4b', ollama: { host: double.url } });
const openai = (chosen: string): Settings => ({
  chosen,
  openai: { apiKey: KEY, baseUrl: null },
  openAiUrl: `${double.url}/v1`,
});

describe('Google', () => {
  test('answers 400 for a key that is none: the setting is named', async () => {
    double.next({
      kind: 'status',
      status: 400,
      message: '',
      body: {
        error: {
          code: 400,
          message: 'API key not valid. Please pass a valid API key.',
          status: 'INVALID_ARGUMENT',
          details: [
            {
              '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
              reason: 'API_KEY_INVALID',
              domain: 'googleapis.com',
            },
          ],
        },
      },
    });
    const failure = await failureOf(ask(google()));
    expect(failure.type).toBe('model_unauthorized');
    expect(failure.message).toContain('GOOGLE_GENERATIVE_AI_API_KEY');
  });

  test('says how long to wait in the body', async () => {
    double.next({
      kind: 'status',
      status: 429,
      message: '',
      body: {
        error: {
          code: 429,
          message: 'You exceeded your current quota',
          status: 'RESOURCE_EXHAUSTED',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '17.5s' }],
        },
      },
    });
    const failure = await failureOf(ask(google()));
    expect(failure).toMatchObject({ type: 'model_rate_limited', nextRetryDelay: 17_500 });
  });

  test.each([
    ['google:gemini-2.5-flash', { thinkingBudget: 0 }],
    ['google:gemini-3.5-flash', { thinkingLevel: 'minimal' }],
    ['google:gemini-2.0-flash', undefined],
    ['google:gemma-3-27b-it', undefined],
  ])('%s is told to think as little as it can', async (chosen, config) => {
    await ask(google(chosen));
    expect(at(double.calls[0]?.body, 'generationConfig', 'thinkingConfig')).toEqual(config);
  });
});

describe('Ollama', () => {
  test('is asked without thinking, with the limits in its options', async () => {
    await ask(ollama());
    expect(double.calls[0]?.body).toMatchObject({
      model: 'qwen3:4b',
      think: false,
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'p' },
      ],
      options: { num_predict: 50, temperature: 0.5 },
    });
  });

  test('names the setting to check when nothing answers', async () => {
    await double.close();
    const failure = await failureOf(ask(ollama()));
    expect(failure).toMatchObject({ type: 'model_unavailable', nonRetryable: false });
    expect(failure.message).toContain('OLLAMA_HOST');
    double = await startModelDouble();
  });

  test('passes on its own words for a model that it does not hold', async () => {
    double.next({ kind: 'status', status: 404, message: "model 'qwen3:4b' not found" });
    const failure = await failureOf(ask(ollama()));
    expect(failure).toMatchObject({ type: 'model_rejected', nonRetryable: true });
    expect(failure.message).toContain("model 'qwen3:4b' not found");
  });
});

describe('OpenAI', () => {
  test.each([
    ['openai:gpt-5.5', { max_completion_tokens: 50 }],
    ['openai:gpt-4.1', { max_tokens: 50, temperature: 0.5 }],
  ])('%s is sent what its family takes', async (chosen, fields) => {
    await ask(openai(chosen));
    const { body } = double.calls[0] ?? {};
    const sent = ['max_tokens', 'max_completion_tokens', 'temperature'].flatMap((name) => {
      const value = at(body, name);
      return value === undefined ? [] : [[name, value]];
    });
    expect(Object.fromEntries(sent)).toEqual(fields);
  });

  test.each([
    ['closed and complete', { additionalProperties: false, required: ['a'] }, true],
    ['open', { required: ['a'] }, false],
    ['with optional properties', { additionalProperties: false }, false],
  ])('is strict with a schema that is %s: strict mode refuses others', async (_what, fields, strict) => {
    double.next({ kind: 'text', text: '{"a":"b"}' });
    const { value } = await generateStructured(await models(openai('openai:gpt-4.1')).resolve(), {
      system: '',
      prompt: 'p',
      maxOutputTokens: 50,
      schema: { type: 'object', properties: { a: { type: 'string' } }, ...fields },
      parse: (answer) => answer,
      signal: never(),
    });
    expect(value).toEqual({ a: 'b' });
    expect(at(double.calls[0]?.body, 'response_format', 'json_schema', 'strict')).toBe(strict);
  });
});
