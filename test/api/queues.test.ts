import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../scripts/services/ports.ts';
import { chooseQueues } from '../../worker/queues.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let client: ApiClient;
beforeAll(async () => {
  server = await startTestServer();
  client = await server.signIn();
});
afterAll(() => server?.close());

/** The health check of a worker's container. @returns what it complains about, nothing when all is well. */
const health = (role: string, env: Record<string, string> = {}): Promise<string> =>
  new Promise((resolve) => {
    const script = fileURLToPath(new URL('../../scripts/health.ts', import.meta.url));
    const { queuePrefix } = server.config.temporal;
    const all = { ...process.env, TASKLOOM_QUEUE_PREFIX: queuePrefix, ...env };
    execFile(process.execPath, [script, role], { env: all }, (error, _out, words) =>
      resolve(error ? words.trim() : ''),
    );
  });

test('a worker without the queue of models leaves their calls to another one that has it', async () => {
  await server.startWorker(['control']);
  const { taskId, runId } = await startPipeline(client, 'A topic for two workers');
  // Measuring a text needs no model: when that has come to its end, a model's call could have been made as well.
  const task = await client.post('/api/tasks', { task_name: 'By hand', topic: 'By hand' });
  const metadata = { task_metadata: { content: '## By hand\n\nSome text.' } };
  await client.request('PATCH', `/api/tasks/${task.body.id}`, metadata);
  const analysis = { task_id: task.body.id, workflow_type: 'analysis' };
  const measuring = await client.post('/api/orchestrator/process', analysis);
  expect(await awaitEnd(client, measuring.body.execution_id)).toMatchObject({ status: 'completed' });
  const { body } = await client.get(`/api/v1/runs/${runId}`);
  expect([body.status, body.steps]).toEqual(['running', []]);
  expect(await health('worker')).toBe('nobody here asks for work of the queue model');
  expect(await health('worker', { TASKLOOM_QUEUES: 'control' })).toBe('');
  await server.startWorker(['model', 'webhooks']);
  expect((await awaitApproval(client, taskId)).revision).toBe(2);
  expect(await health('worker')).toBe('');
});

test('a name that is no queue is refused with the names that there are', () => {
  expect(() => chooseQueues(['control', 'models'])).toThrow(
    'TASKLOOM_QUEUES must name some of control, model, webhooks, separated by commas, but is "control,models"',
  );
  expect(() => chooseQueues([])).toThrow('TASKLOOM_QUEUES must name');
  expect(chooseQueues(['model', 'control'])).toEqual(['control', 'model']);
});

test('the health check of an API asks it, and fails when nobody answers', async () => {
  const { port } = new URL(server.url);
  expect(await health('api', { TASKLOOM_PORT: port })).toBe('');
  expect(await health('api', { TASKLOOM_PORT: String(await findFreePort()) })).toBe('fetch failed');
  expect(await health('both')).toContain('api|worker');
});
