import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { openTemporalClient } from '../../platform/temporal/connect.ts';
import { sql } from '../../store/sql.ts';
import { startModelDouble } from '../doubles/model-double.ts';
import { FIVE_CALLS } from '../harness/budgets.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let double: Awaited<ReturnType<typeof startModelDouble>>;
let server: TestServer;
let client: ApiClient;
let temporal: Client;

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
  temporal = openTemporalClient();
  await server.startWorker();
});
afterAll(async () => {
  await temporal?.connection.close();
  await server?.close();
  await double?.close();
});

describe('cancelling while the model answers', () => {
  const byApi = async (runId: string): Promise<void> => {
    expect((await client.post(`/api/v1/runs/${runId}/cancel`)).body.status).toBe('cancelled');
  };
  const byTemporal = (runId: string): Promise<unknown> =>
    temporal.workflow.getHandle(`content/${runId}/1`).cancel();

  test.each([
    ['through the API', byApi],
    ["by Temporal's own tools", byTemporal],
  ])(
    '%s closes the connection within two seconds, and books the call as in doubt once',
    async (how, cancel) => {
      double.next({ kind: 'hang', text: 'It begins and goes on for a while, and then' });
      const before = double.calls.length;
      const { runId } = await startPipeline(client, `Never answered, cancelled ${how}`, {
        ...FIVE_CALLS,
        budget_usd: 1,
      });
      // Some of the answer has arrived already.
      await until(async () => (double.calls[before]?.billed.output ?? 0) > 0, 'the first words');
      const cancelledAt = Date.now();
      await cancel(runId);
      await until(async () => double.calls[before]?.status === 'aborted', 'the end of the call');
      const closedAfterMs =
        Date.parse(double.calls[before]?.at ?? '') + (double.calls[before]?.latency_ms ?? 0) - cancelledAt;
      expect(closedAfterMs).toBeLessThan(2_000);
      expect(await awaitEnd(client, runId)).toMatchObject({ status: 'cancelled' });
      const run = await until(async () => {
        const { body } = await client.get(`/api/v1/runs/${runId}`);
        return body.steps.some(({ status }: { status: string }) => status === 'failed') && body;
      }, 'the end of the step');
      expect(run.steps.filter(({ path }: { path: string }) => path !== 'image')).toEqual([
        expect.objectContaining({
          path: 'outline.0',
          calls: 1,
          calls_in_doubt: 1,
          error: expect.objectContaining({ code: 'interrupted' }),
        }),
      ]);
      expect(run).toMatchObject({ calls_in_doubt: 1, budget: { reserved_usd: 0 } });
      const reservations = await server.system.many(
        sql`select state, cost_micros = amount_micros as whole from budget_reservations where run_id = ${runId}`,
      );
      expect(reservations).toEqual([{ state: 'in_doubt', whole: true }]);
      const ledger = await server.system.many(
        sql`select in_doubt, cost_micros as cost from usage_ledger where run_id = ${runId}`,
      );
      expect(ledger).toEqual([{ in_doubt: true, cost: null }]);
      expect(double.calls).toHaveLength(before + 1);
      const { items } = (await client.get(`/api/v1/runs/${runId}/events`)).body;
      expect(items.filter(({ type }: { type: string }) => type === 'step.failed')).toHaveLength(1);
      if (process.argv.some((arg) => arg.includes('cancel.test')))
        console.log(`cancelled ${how}: the vendor saw its connection closed after ${closedAfterMs} ms`);
    },
  );
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
