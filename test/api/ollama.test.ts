import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { startOllamaDouble, type OllamaDouble } from '../doubles/ollama-double.ts';
import { ApiClient } from '../harness/client.ts';
import { startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

const MISTRAL_BYTES = 4_372_824_384;

let double: OllamaDouble;
let server: TestServer;
let anyone: ApiClient;

beforeAll(async () => {
  double = await startOllamaDouble({
    models: [
      { name: 'mistral:latest', size: MISTRAL_BYTES, parameterSize: '7.2B', quantization: 'Q4_0' },
      { name: 'qwen3:4b' },
    ],
  });
  server = await startTestServer({ ollamaHost: double.host });
  anyone = new ApiClient(server.url);
});
afterAll(async () => {
  await server?.close();
  await double?.close();
});

describe('Ollama', () => {
  test('is healthy, and lists what it holds', async () => {
    const { body } = await anyone.get('/api/ollama/health');
    expect(body).toEqual({ status: 'healthy', uptime: expect.any(Number), memory_usage: 0 });
    expect((await anyone.get('/api/ollama/models')).body).toEqual({
      models: [
        {
          name: 'mistral:latest',
          size: '7.2b',
          parameters: 7_200_000_000,
          quantization: 'Q4_0',
          size_bytes: MISTRAL_BYTES,
        },
        expect.objectContaining({ name: 'qwen3:4b', size: '8.0b' }),
      ],
      status: 'healthy',
    });
  });

  test('loads a model for anybody, and shows it in its memory', async () => {
    expect((await anyone.get('/api/ollama/status')).body).toEqual({
      active_model: null,
      memory_allocated: 0,
      requests_per_second: 0,
      status: 'healthy',
    });
    const warmUp = (model: string) => anyone.post('/api/ollama/warmup', { model });
    expect((await warmUp('mistral')).body).toEqual({
      model: 'mistral:latest',
      status: 'loaded',
      progress: 100,
    });
    expect((await warmUp('mistral')).body).toMatchObject({ status: 'ready', progress: 100 });
    expect((await warmUp('nothing')).status).toBe(404);
    expect(double.loaded).toEqual(['mistral:latest']);
    expect((await anyone.get('/api/ollama/status')).body).toMatchObject({
      active_model: 'mistral:latest',
      memory_allocated: MISTRAL_BYTES,
    });
    expect((await anyone.get('/api/ollama/health')).body.memory_usage).toBe(MISTRAL_BYTES);
  });

  test('has its calls of the last minute counted over all workspaces, as one number', async () => {
    const editor = await server.signIn({ role: 'editor' });
    const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
    for (const client of [editor, stranger]) {
      const { runId } = await startPipeline(client, 'A secret topic');
      await server.system.run(
        sql`insert into usage_ledger (workspace_id, run_id, step_path, attempt, provider, model, at)
            select r.workspace_id, r.id, 'x', 1, p.provider, 'mistral:latest', now() - p.age
              from runs r, generate_series(1, 6),
                   (values ('ollama', interval '0'), ('ollama', interval '2 minutes'), ('openai', interval '0')) as p(provider, age)
             where r.id = ${runId}`,
      );
    }
    // Another process has not looked yet: what this one counted is kept for five seconds.
    const fresh = await server.another();
    const { body } = await new ApiClient(fresh.url).get('/api/ollama/status');
    expect(body.requests_per_second).toBe(0.2);
    expect(JSON.stringify(body)).not.toContain('secret');
    await fresh.close();
  });

  test('that does not answer is offline, and nothing fails by it', async () => {
    const nowhere = await startOllamaDouble();
    await nowhere.close();
    const alone = await startTestServer({ ollamaHost: nowhere.host });
    const client = new ApiClient(alone.url);
    expect((await client.get('/api/ollama/health')).body).toEqual({
      status: 'offline',
      uptime: null,
      memory_usage: null,
    });
    expect((await client.get('/api/ollama/models')).body).toEqual({ models: [], status: 'offline' });
    expect((await client.get('/api/ollama/status')).body).toMatchObject({
      active_model: null,
      memory_allocated: null,
    });
    const refused = await client.post('/api/ollama/warmup', { model: 'mistral' });
    expect([refused.status, refused.body.code]).toEqual([503, 'ollama_offline']);
    expect(refused.headers.get('retry-after')).toBe('2');
    await alone.close();
  });
});
