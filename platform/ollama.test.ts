import { afterEach, describe, expect, test } from '@jest/globals';
import {
  startOllamaDouble,
  type OllamaDouble,
  type OllamaDoubleOptions,
} from '../test/doubles/ollama-double.ts';
import { until } from '../test/harness/until.ts';
import { createOllamaClient, ollamaUrl, OllamaAway, OllamaRefused, type OllamaClient } from './ollama.ts';

let double: OllamaDouble;
const start = async (options?: OllamaDoubleOptions): Promise<OllamaClient> => {
  double = await startOllamaDouble(options);
  return createOllamaClient(double.host);
};
afterEach(() => double.close());

describe('a client of Ollama', () => {
  test('tells the version', async () => {
    const client = await start({ version: '0.12.6' });
    expect(await client.version()).toBe('0.12.6');
  });

  test('lists models with their sizes', async () => {
    const client = await start({
      models: [
        { name: 'llama3.1:8b', size: 4_920_753_328 },
        { name: 'nomic', parameterSize: '137M' },
      ],
    });
    expect(await client.listModels()).toEqual([
      {
        name: 'llama3.1:8b',
        sizeBytes: 4_920_753_328,
        parameterSize: '8.0B',
        parameters: 8_000_000_000,
        quantization: 'Q4_K_M',
        family: 'llama',
        modifiedAt: '2026-11-04T14:56:49.277302595-07:00',
      },
      expect.objectContaining({ name: 'nomic', parameters: 137_000_000 }),
    ]);
  });

  test('warms a model up, and then finds it in memory', async () => {
    const client = await start({ models: [{ name: 'llama3.1:8b' }, { name: 'qwen3:4b' }] });
    expect(await client.runningModels()).toEqual([]);
    expect(await client.warmUp('qwen3:4b')).toEqual({ name: 'qwen3:4b', tookMs: expect.any(Number) });
    expect(double.loaded).toEqual(['qwen3:4b']);
    expect(await client.runningModels()).toEqual([
      {
        name: 'qwen3:4b',
        sizeBytes: 4_920_753_328,
        vramBytes: 0,
        contextLength: 4096,
        expiresAt: '2026-11-21T14:38:31.83753-07:00',
      },
    ]);
  });

  test('shows how long a context a model has and what it can do', async () => {
    const client = await start({ models: [{ name: 'llava', capabilities: ['completion', 'vision'] }] });
    expect(await client.show('llava')).toEqual({
      name: 'llava',
      contextLength: 131_072,
      parameters: 8_030_261_248,
      quantization: 'Q4_K_M',
      family: 'llama',
      capabilities: ['completion', 'vision'],
    });
  });

  test('knows of no model by an unknown name, and refuses to load it', async () => {
    const client = await start();
    expect(await client.show('nothing')).toBeNull();
    const refused = await client.warmUp('nothing').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OllamaRefused);
    expect(refused).toMatchObject({ status: 404, message: "model 'nothing' not found" });
  });

  test('takes a closed port for away', async () => {
    const client = await start();
    await double.close();
    await expect(client.version()).rejects.toBeInstanceOf(OllamaAway);
    double = await startOllamaDouble();
  });

  test.each([
    { status: 200, body: '<html>a router</html>' },
    { status: 200, body: '{"hello":"world"}' },
  ])('takes something else for away: %j', async (instead) => {
    const client = await start({ instead });
    await expect(client.version()).rejects.toBeInstanceOf(OllamaAway);
  });

  test('passes on a status with its words, and a status without words too', async () => {
    const client = await start({ instead: { status: 500, body: '{"error":"out of memory"}' } });
    await expect(client.listModels()).rejects.toMatchObject({ status: 500, message: 'out of memory' });
    await double.close();
    const bare = await start({ instead: { status: 502, body: '<html>' } });
    await expect(bare.listModels()).rejects.toMatchObject({ status: 502 });
  });

  test('leaves at once when aborted, with the abort’s reason', async () => {
    const client = await start({ silent: true });
    const stop = new AbortController();
    const reason = new Error('stopped');
    const call = client.warmUp('x', stop.signal);
    const waiting = expect(call).rejects.toBe(reason);
    await until(async () => double.open() === 1, 'the request at the double');
    stop.abort(reason);
    await waiting;
    await until(async () => double.open() === 0, 'the closed connection', 2_000);
  });

  test('does not wait for ever', async () => {
    const client = await start({ silent: true });
    const startedMs = performance.now();
    await expect(client.version()).rejects.toBeInstanceOf(OllamaAway);
    expect(performance.now() - startedMs).toBeLessThan(8_000);
  });
});

describe('OLLAMA_HOST', () => {
  test.each([
    ['127.0.0.1:11434', 'http://127.0.0.1:11434'],
    ['127.0.0.1', 'http://127.0.0.1:11434'],
    ['example.com', 'http://example.com:11434'],
    ['example.com:80', 'http://example.com'],
    [':1337', 'http://127.0.0.1:1337'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['0.0.0.0:80', 'http://127.0.0.1'],
    ['[::1]', 'http://[::1]:11434'],
    ['::1', 'http://[::1]:11434'],
    ['[::]:1234', 'http://[::1]:1234'],
    ['http://example.com', 'http://example.com'],
    ['https://example.com/', 'https://example.com'],
    ['https://example.com:8443/ollama/', 'https://example.com:8443/ollama'],
    ['example.com/ollama', 'http://example.com:11434/ollama'],
    ['"1.2.3.4"', 'http://1.2.3.4:11434'],
    ['', 'http://127.0.0.1:11434'],
  ])('%j is called at %s', (host, url) => {
    expect(ollamaUrl(host)).toBe(url);
  });

  test.each(['127.0.0.1:99999', 'ftp://x', 'a b'])('%j names no address', (host) => {
    expect(ollamaUrl(host)).toBeNull();
    expect(() => createOllamaClient(host)).toThrow('OLLAMA_HOST');
  });
});
