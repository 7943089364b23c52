import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startModelDouble } from '../doubles/model-double.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let double: Awaited<ReturnType<typeof startModelDouble>>;
let server: TestServer;
let client: ApiClient;

beforeAll(async () => {
  double = await startModelDouble({});
  server = await startTestServer({
    model: 'openai:double',
    openaiApiKey: 'a key that must not be seen',
    openaiBaseUrl: `${double.url}/v1`,
    modelInputPrice: '3',
    modelOutputPrice: '15',
  });
  client = await server.signIn();
  await server.startWorker();
});
afterAll(async () => {
  await server?.close();
  await double?.close();
});

describe('cancelling while the model answers', () => {
  test('closes the connection to it, and the row is cancelled at once', async () => {
    double.next({ kind: 'hang', text: 'It begins and' });
    const { runId } = await startPipeline(client, 'Never answered');
    await until(async () => double.calls.length > 0, 'the call');
    expect((await client.post(`/api/v1/runs/${runId}/cancel`)).body.status).toBe('cancelled');
    await until(async () => double.calls.at(-1)?.status === 'aborted', 'the end of the call');
  });
});

describe('a vendor that fails', () => {
  test('is asked again, and its cost is what its tokens cost', async () => {
    double.next({ kind: 'status', status: 503, message: 'overloaded' });
    const { taskId, runId } = await startPipeline(client, 'Answered at the second try');
    await awaitApproval(client, taskId);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    const run = await awaitEnd(client, runId);
    expect(run).toMatchObject({ status: 'completed', cost_complete: true });
    expect(double.calls.at(-1)?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(run.cost_usd).toBeCloseTo((run.tokens_in * 3 + run.tokens_out * 15) / 1e6, 5);
  });

  test('for good ends the run with a reason that names the setting and no secret', async () => {
    double.next({ kind: 'status', status: 401, message: 'no' });
    const { runId } = await startPipeline(client, 'Never allowed');
    const run = await awaitEnd(client, runId);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'model_unauthorized' } });
    expect(run.error.message).toContain('OPENAI_API_KEY');
    expect(JSON.stringify(run)).not.toContain('a key that must not be seen');
  });
});
