import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { feedCatalogue } from '../../store/models/catalogue.repository.ts';
import type { ApiClient } from '../harness/client.ts';
import { findFreePort } from '../../scripts/services/ports.ts';
import { listing } from '../harness/listings.ts';
import { awaitApproval, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let server: TestServer;
let client: ApiClient;

const fed = (id: string, micros: number) => ({
  ...listing(id),
  price: { inputPerMtok: micros, outputPerMtok: micros },
  priceSource: 'file' as const,
});

beforeAll(async () => {
  // Nobody listens there: the cheaper provider is away.
  const nowhere = `http://127.0.0.1:${await findFreePort()}/v1`;
  server = await startTestServer({ openaiApiKey: 'sk-routing', openaiBaseUrl: nowhere });
  client = await server.signIn();
  await server.startWorker();
  await feedCatalogue(server.system, [
    { provider: 'openai', models: [fed('openai:cheap', 1)], reason: null },
    { provider: 'scripted', models: [fed('scripted:instant', 2)], reason: null },
  ]);
});
afterAll(() => server?.close());

describe('a run', () => {
  test('that prefers cheap models goes to the next one when the cheapest is away, also while its circuit is open', async () => {
    const { taskId, runId } = await startPipeline(client, 'Routed around', { prefer: 'cheapest' });
    await awaitApproval(client, taskId);
    const { body: content } = await client.get('/api/content?limit=1');
    expect(content.items[0].author).toMatchObject({ kind: 'model', model: 'scripted:instant' });
    const { body: run } = await client.get(`/api/v1/runs/${runId}`);
    expect(run).toMatchObject({ status: 'waiting', calls_in_doubt: 0 });
  });

  test('that names a model is never given another one', async () => {
    const { runId } = await startPipeline(client, 'Named', { model: 'openai:cheap', prefer: 'cheapest' });
    const failed = await until(async () => {
      const { items } = (await client.get(`/api/v1/runs/${runId}/events`)).body;
      return items.find(({ type }: { type: string }) => type === 'step.failed');
    }, 'a call that failed');
    expect(failed.data.error).toMatchObject({ code: 'model_unavailable' });
    const { body: run } = await client.post(`/api/v1/runs/${runId}/cancel`);
    expect(run).toMatchObject({ status: 'cancelled', tokens_out: 0 });
  });

  test('is written by the model that its workspace has selected', async () => {
    const selected = await client.post('/api/ollama/select-model', { model: 'scripted:instant' });
    expect(selected.status).toBe(200);
    const { taskId } = await startPipeline(client, 'Selected');
    await awaitApproval(client, taskId);
    const { body: content } = await client.get('/api/content?limit=1');
    expect(content.items[0].author.model).toBe('scripted:instant');
  });
});
