import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { openTemporalClient } from '../../platform/temporal/connect.ts';
import { createLogger } from '../../platform/logger.ts';
import { openStore, sql, type Store } from '../../store/store.ts';
import { reconcile } from '../../worker/reconciler.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let server: TestServer;
let client: ApiClient;
let store: Store;
let temporal: Client;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.signIn();
  store = await openStore(server.config.database.app ?? '');
  temporal = openTemporalClient();
  await server.startWorker();
});
afterAll(async () => {
  await temporal?.connection.close();
  await store?.close();
  await server?.close();
});

/** Looks as the worker does, as if nothing had touched the runs for a minute. */
const look = async (): Promise<number> => {
  await server.system.run(
    sql`update runs set updated_at = now() - interval '1 minute', looked_at = now() - interval '1 minute'`,
  );
  return reconcile({ system: server.system, store, client: temporal, log: createLogger('test', 'silent') });
};

const approve = async (taskId: string): Promise<void> => {
  const { approval_id: id, revision } = await awaitApproval(client, taskId);
  expect(
    (await client.post(`/api/v1/approvals/${id}/decide`, { decision: 'approve', revision })).status,
  ).toBe(200);
};

describe('a run whose workflow', () => {
  test('is well is left alone', async () => {
    const { taskId, runId } = await startPipeline(client, 'Well');
    await awaitApproval(client, taskId);
    expect(await look()).toBe(0);
    expect((await client.get(`/api/v1/runs/${runId}`)).body).toMatchObject({ status: 'waiting', attempt: 1 });
    await client.post(`/api/v1/runs/${runId}/cancel`);
  });

  test('was terminated fails, asks nobody any more, and can be tried again', async () => {
    const { taskId, runId } = await startPipeline(client, 'Terminated');
    const { approval_id: id } = await awaitApproval(client, taskId);
    await temporal.workflow.getHandle(`content/${runId}/1`).terminate('by hand');
    expect(await look()).toBe(1);
    expect((await client.get(`/api/v1/runs/${runId}`)).body).toMatchObject({
      status: 'failed',
      error: { code: 'workflow_ended' },
    });
    expect((await client.get(`/api/v1/approvals/${id}`)).body.status).toBe('cancelled');
    expect((await client.post(`/api/v1/runs/${runId}/retry`)).status).toBe(200);
    await approve(taskId);
    expect(await awaitEnd(client, runId)).toMatchObject({ status: 'completed', attempt: 2 });
  });

  test('is gone goes on with the next attempt, from the stored steps', async () => {
    const { taskId, runId } = await startPipeline(client, 'Gone');
    await awaitApproval(client, taskId);
    const before = (await client.get(`/api/v1/runs/${runId}`)).body;
    const workflowExecution = { workflowId: `content/${runId}/1` };
    await temporal.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
    await until(
      () =>
        temporal.workflow
          .getHandle(workflowExecution.workflowId)
          .describe()
          .then(
            () => false,
            () => true,
          ),
      'the end of the workflow',
    );
    expect(await look()).toBe(1);
    await until(
      async () => (await client.get(`/api/v1/runs/${runId}`)).body.attempt === 2,
      'the second attempt',
    );
    await approve(taskId);
    const run = await awaitEnd(client, runId);
    expect(run).toMatchObject({ status: 'completed', attempt: 2, tokens_out: before.tokens_out });
  });
});

describe('a task', () => {
  test('has one live run: an older one is not tried again meanwhile', async () => {
    const { taskId, runId } = await startPipeline(client, 'Two runs');
    await client.post(`/api/v1/runs/${runId}/cancel`);
    const newer = await client.post('/api/orchestrator/process', { task_id: taskId });
    expect(await client.post(`/api/v1/runs/${runId}/retry`)).toMatchObject({
      status: 409,
      body: { code: 'run_live' },
    });
    await client.post(`/api/v1/runs/${newer.body.execution_id}/cancel`);
    expect((await client.post(`/api/v1/runs/${runId}/retry`)).status).toBe(200);
    await client.post(`/api/v1/runs/${runId}/cancel`);
  });

  test('whose content was deleted is written anew', async () => {
    const { taskId, runId } = await startPipeline(client, 'Deleted');
    await approve(taskId);
    const { output } = await awaitEnd(client, runId);
    expect((await client.request('DELETE', `/api/content/${output.content_id}`)).status).toBe(204);
    const again = await client.post('/api/orchestrator/process', { task_id: taskId });
    await approve(taskId);
    const run = await awaitEnd(client, again.body.execution_id);
    expect(run.status).toBe('completed');
    expect(run.output.content_id).not.toBe(output.content_id);
  });

  test('survives an end and a new start of its runs at the same instant', async () => {
    for (let i = 0; i < 10; i++) {
      const { taskId, runId } = await startPipeline(client, `Race ${i}`);
      const [cancelled, started] = await Promise.all([
        client.post(`/api/v1/runs/${runId}/cancel`),
        client.post('/api/orchestrator/process', { task_id: taskId }),
      ]);
      expect(cancelled.status).toBe(200);
      expect([200, 409]).toContain(started.status);
      if (started.status === 200) await client.post(`/api/v1/runs/${started.body.execution_id}/cancel`);
    }
  });
});
