import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let client: ApiClient;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.signIn();
  await server.startWorker();
});
afterAll(() => server?.close());

const idsOf = (answer: { body: { executions: { id: string }[] } }): string[] =>
  answer.body.executions.map(({ id }) => id);

const again = async (taskId: string, workflowType: string): Promise<string> => {
  const { status, body } = await client.post('/api/orchestrator/process', {
    task_id: taskId,
    workflow_type: workflowType,
  });
  expect(status).toBe(200);
  return body.execution_id;
};

const published = async (topic: string): Promise<{ taskId: string; runId: string }> => {
  const run = await startPipeline(client, topic);
  await awaitApproval(client, run.taskId);
  await client.post(`/api/orchestrator/approve/${run.taskId}`, { approved: true });
  expect(await awaitEnd(client, run.runId)).toMatchObject({ status: 'completed' });
  return run;
};

describe('an execution', () => {
  test('that was published is a success with all its steps', async () => {
    const { taskId, runId } = await published('How to read a history');
    const { body: run } = await client.get(`/api/v1/runs/${runId}`);
    const { status, body } = await client.get(`/api/workflow/${runId}/details`);
    expect(status).toBe(200);
    const execution = {
      id: runId,
      workflow_id: taskId,
      workflow_name: 'content_creation',
      kind: 'content',
      status: 'success',
      outcome: 'completed',
      attempt: 1,
      started_at: run.started_at,
      completed_at: run.finished_at,
      duration_ms: Date.parse(run.finished_at) - Date.parse(run.started_at),
      error: null,
    };
    expect((await client.get('/api/workflow/history?limit=1')).body.executions).toEqual([execution]);
    const { steps, ...rest } = body;
    expect(rest).toEqual(execution);
    const names: string[] = steps.map((step: { step_name: string }) => step.step_name);
    expect([...new Set(names)].toSorted()).toEqual(
      [
        'research',
        'outline',
        'image',
        'draft',
        'compose',
        'judge',
        'describe',
        'finish',
        'approval',
        'publish',
      ].toSorted(),
    );
    // Every stored step of the run is there as it is in the run itself, and nothing else but the approval.
    expect(steps.length).toBe(run.steps.length + 1);
    for (const { path, duration_ms, tokens_in, tokens_out, cost_usd } of run.steps)
      expect(steps).toContainEqual(
        expect.objectContaining({ path, status: 'completed', duration_ms, tokens_in, tokens_out, cost_usd }),
      );
    expect(steps.find(({ path }: { path: string }) => path === 'outline.0')).toMatchObject({
      output: { headings: expect.any(Array) },
      output_truncated: false,
      calls: 1,
    });
    expect(steps.at(-1)).toMatchObject({ step_name: 'publish', output: { post_url: expect.any(String) } });
    const gate = steps.find((step: { step_name: string }) => step.step_name === 'approval');
    expect(gate).toMatchObject({
      status: 'completed',
      output: { verdict: 'approved', revision: 2 },
      calls: 0,
    });
    expect(gate.duration_ms).toBe(Date.parse(gate.completed_at) - Date.parse(gate.started_at));
  });

  test('that was rejected is a failure, and says why', async () => {
    const { taskId, runId } = await startPipeline(client, 'Not good enough');
    await awaitApproval(client, taskId);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: false });
    await awaitEnd(client, runId);
    const { body } = await client.get(`/api/workflow/${runId}/details`);
    expect(body).toMatchObject({ status: 'failure', outcome: 'failed', error: { code: 'rejected' } });
    expect(body.steps.at(-1)).toMatchObject({
      path: 'approval/1',
      status: 'completed',
      output: { verdict: 'rejected' },
    });
    expect(idsOf(await client.get('/api/workflow/history?status=failure'))).toContain(runId);
    expect(idsOf(await client.get('/api/workflow/history?status=success'))).not.toContain(runId);
  });

  test('that waits is in progress, not in the history, and a failure when it is cancelled', async () => {
    const { taskId, runId } = await startPipeline(client, 'Waits for somebody');
    await awaitApproval(client, taskId);
    const details = `/api/workflow/${runId}/details`;
    const waiting = await client.get(details);
    expect(waiting.body).toMatchObject({
      status: 'in_progress',
      outcome: null,
      completed_at: null,
      duration_ms: null,
    });
    expect(waiting.body.steps.at(-1)).toMatchObject({
      step_name: 'approval',
      status: 'waiting',
      duration_ms: null,
      output: null,
    });
    expect(idsOf(await client.get('/api/workflow/history'))).not.toContain(runId);
    expect(idsOf(await client.get(`/api/workflow/${taskId}/history`))).toEqual([runId]);
    expect((await client.post(`/api/v1/runs/${runId}/cancel`)).status).toBe(200);
    const { body } = await client.get(details);
    expect(body).toMatchObject({ status: 'failure', outcome: 'cancelled' });
    expect(body.steps.at(-1)).toMatchObject({ step_name: 'approval', status: 'cancelled' });
    expect(idsOf(await client.get('/api/workflow/history'))[0]).toBe(runId);
  });
});

describe('a workflow', () => {
  test('is a task with its content: either id names the same executions, each by what was asked of it', async () => {
    const { taskId, runId } = await published('Written, measured and improved');
    const { content_id: contentId } = (await client.get(`/api/tasks/${taskId}`)).body;
    const analysis = await again(taskId, 'analysis');
    await awaitEnd(client, analysis);
    const optimization = await again(taskId, 'optimization');
    await awaitApproval(client, taskId);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    await awaitEnd(client, optimization);

    const ofTask = await client.get(`/api/workflow/${taskId}/history`);
    expect(ofTask.body).toMatchObject({ workflow_id: taskId, total: 3, has_more: false });
    expect(idsOf(ofTask)).toEqual([optimization, analysis, runId]);
    expect(ofTask.body.executions.map((run: { workflow_name: string }) => run.workflow_name)).toEqual([
      'optimization',
      'analysis',
      'content_creation',
    ]);
    expect(ofTask.body.executions[1]).toMatchObject({ kind: 'analysis', workflow_id: contentId });
    const ofContent = await client.get(`/api/workflow/${contentId}/history`);
    expect(ofContent.body.workflow_id).toBe(contentId);
    expect(ofContent.body.executions).toEqual(ofTask.body.executions);

    for (const [name, id] of [
      ['optimization', optimization],
      ['analysis', analysis],
    ])
      expect(idsOf(await client.get(`/api/workflow/history?workflow_name=${name}`))).toEqual([id]);
    const created = idsOf(await client.get('/api/workflow/history?workflow_name=content_creation'));
    expect(created).toContain(runId);
    expect(created).not.toContain(optimization);

    const first = await client.get(`/api/workflow/${taskId}/history?limit=2`);
    expect(first.body).toMatchObject({ has_more: true, links: { next: expect.any(String) } });
    expect(idsOf(await client.get(first.body.links.next))).toEqual([runId]);
  });

  test('of a task that was never started has no executions', async () => {
    const { body } = await client.post('/api/tasks', { task_name: 'idle', topic: 'idle' });
    const answer = await client.get(`/api/workflow/${body.id}/history`);
    expect(answer).toMatchObject({ status: 200, body: { total: 0, executions: [] } });
  });

  test('has no id that is the id of a run', async () => {
    const { body } = await client.get('/api/workflow/history?limit=1');
    expect((await client.get(`/api/workflow/${body.executions[0].id}/history`)).status).toBe(404);
    expect((await client.get(`/api/workflow/${body.executions[0].workflow_id}/details`)).status).toBe(404);
  });
});

describe('the history', () => {
  test('tells runs by when they began', async () => {
    const { runId } = await published('Between two moments');
    const { started_at: began } = (await client.get(`/api/v1/runs/${runId}`)).body;
    const before = new Date(Date.parse(began) - 1).toISOString();
    const after = new Date(Date.parse(began) + 1).toISOString();
    const asked = (query: string) => client.get(`/api/workflow/history?${query}`);
    expect(idsOf(await asked(`started_after=${before}&started_before=${after}`))).toEqual([runId]);
    expect(idsOf(await asked(`started_after=${after}`))).not.toContain(runId);
    expect(idsOf(await asked(`started_before=${before}`))).not.toContain(runId);
  });

  test('knows its total, filtered or not', async () => {
    for (const query of [
      '',
      '&status=failure',
      '&workflow_name=analysis',
      '&workflow_name=content_creation',
    ]) {
      const { body } = await client.get(`/api/workflow/history?limit=100${query}`);
      expect(body.total).toBe(body.executions.length);
      expect(body.total).toBeGreaterThan(0);
    }
  });

  test.each([
    ['workflow_name=content', 'content_creation'],
    ['workflow_name=', 'workflow_name'],
    ['status=cancelled', 'status'],
    ['started_after=yesterday', 'started_after'],
    ['started_before=2026-06-30T23:59:60Z', 'started_before'],
  ])('refuses ?%s', async (query, word) => {
    const { status, body } = await client.get(`/api/workflow/history?${query}`);
    expect(status).toBe(400);
    expect(JSON.stringify(body.fields)).toContain(word);
  });

  test('takes times that nobody has lived in', async () => {
    const answer = await client.get('/api/workflow/history?started_before=0000-01-01T00:00:00Z');
    expect(answer).toMatchObject({ status: 200, body: { total: 0, executions: [] } });
  });
});
