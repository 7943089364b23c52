import { afterEach, describe, expect, test } from '@jest/globals';
import { createOllamaClient } from '../../../platform/ollama.ts';
import {
  startOllamaDouble,
  type OllamaDouble,
  type OllamaDoubleOptions,
} from '../../../test/doubles/ollama-double.ts';
import { until } from '../../../test/harness/until.ts';
import { watchOllama } from './ollama.ts';
import { createWarmups } from './warmup.ts';

const MODELS = [{ name: 'mistral:latest' }, { name: 'qwen3:4b' }];

let double: OllamaDouble;
const start = async (options: OllamaDoubleOptions = {}, waitMs?: number) => {
  double = await startOllamaDouble({ models: MODELS, ...options });
  const client = createOllamaClient(double.host);
  const watch = watchOllama(client);
  return { watch, warmUp: createWarmups(client, watch, waitMs) };
};
afterEach(() => double.close());

const loads = (): number => double.requests.filter((request) => request === 'POST /api/generate').length;

describe('a warm-up', () => {
  test('loads a model that is not in memory, and finds it ready afterwards', async () => {
    const { warmUp } = await start();
    expect(await warmUp('mistral')).toEqual({ model: 'mistral:latest', status: 'loaded' });
    expect(await warmUp('mistral:latest')).toEqual({ model: 'mistral:latest', status: 'ready' });
    expect(loads()).toBe(1);
  });

  test('refuses what the server does not hold, without asking it to load', async () => {
    const { warmUp } = await start();
    await expect(warmUp('nothing')).rejects.toMatchObject({ kind: 'not_found' });
    expect(loads()).toBe(0);
  });

  test('is one, however many ask; another model waits its turn', async () => {
    const gate = Promise.withResolvers<void>();
    const { warmUp, watch } = await start({ whileLoading: () => gate.promise }, 20);
    const answers = await Promise.all(Array.from({ length: 10 }, () => warmUp('mistral')));
    expect(answers.every(({ status }) => status === 'warming')).toBe(true);
    await expect(warmUp('qwen3:4b')).rejects.toMatchObject({ kind: 'conflict', code: 'warmup_under_way' });
    expect(loads()).toBe(1);
    gate.resolve();
    await until(async () => {
      watch.lookAnew();
      return (await warmUp('mistral')).status === 'ready';
    }, 'the model in memory');
    expect(loads()).toBe(1);
  });

  test('that fails says so, and can be tried again', async () => {
    let tries = 0;
    const { warmUp } = await start({
      whileLoading: async () => {
        if (tries++ === 0) throw new Error('out of memory at /secret/path');
      },
    });
    await expect(warmUp('mistral')).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'model_not_loaded',
      // Not Ollama's own words: anybody may ask.
      message: 'The Ollama server could not load mistral:latest.',
    });
    expect(await warmUp('mistral')).toMatchObject({ status: 'loaded' });
  });
});

describe('the watch', () => {
  test('asks the server once for many who look at once', async () => {
    const { watch } = await start();
    await Promise.all(Array.from({ length: 20 }, () => watch.look()));
    expect(double.requests.toSorted()).toEqual(['GET /api/ps', 'GET /api/tags', 'GET /api/version']);
  });

  test('counts from the first answer, and anew after the server was away', async () => {
    const { watch } = await start();
    const port = Number(double.host.split(':')[1]);
    const { answersSince, status } = await watch.look();
    expect(status).toBe('healthy');
    watch.lookAnew();
    expect((await watch.look()).answersSince).toBe(answersSince);
    await double.close();
    watch.lookAnew();
    expect(await watch.look()).toEqual({ status: 'offline', answersSince: null, models: [], running: null });
    double = await startOllamaDouble({ port });
    await until(async () => Date.now() > (answersSince ?? 0), 'the clock');
    watch.lookAnew();
    expect((await watch.look()).answersSince).toBeGreaterThan(answersSince ?? Infinity);
  });

  test('takes a server that answers in part for degraded', async () => {
    const { watch } = await start({ refuses: ['GET /api/ps'] });
    expect(await watch.look()).toMatchObject({ status: 'degraded', running: null, models: [{}, {}] });
  });
});
