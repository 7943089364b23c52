import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, PLAIN } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let server: TestServer;
let client: ApiClient;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.signIn();
  await server.startWorker();
});
afterAll(() => server?.close());

const openApproval = (taskId: string) => awaitApproval(client, taskId);
const ended = (runId: string) => awaitEnd(client, runId);

const start = async (topic: string, more: object = {}) => {
  const task = await client.post('/api/tasks', { task_name: topic, topic, ...more });
  expect(task.status).toBe(201);
  expect(task.body.status).toBe('pending');
  const run = await client.post('/api/orchestrator/process', {
    task_id: task.body.id,
    workflow_type: 'content_creation',
    parameters: PLAIN,
  });
  expect(run).toMatchObject({ status: 200, body: { status: 'processing', task_id: task.body.id } });
  return { taskId: task.body.id as string, runId: run.body.execution_id as string };
};

describe('a brief', () => {
  test('becomes an approved, published post', async () => {
    const { taskId, runId } = await start('How to repot a houseplant', {
      category: 'Plants',
      task_metadata: { tags: ['Soil'] },
    });
    await openApproval(taskId);
    const status = await client.get(`/api/orchestrator/status/${taskId}`);
    expect(status.body).toMatchObject({ status: 'processing', progress: 80 });
    const approved = await client.post(`/api/orchestrator/approve/${taskId}`, {
      approved: true,
      feedback: 'Looks good!',
    });
    expect(approved).toMatchObject({
      status: 200,
      body: { approval_status: 'approved', feedback: 'Looks good!' },
    });
    const run = await ended(runId);
    expect(run).toMatchObject({
      status: 'completed',
      progress: 100,
      output: { slug: 'how-to-repot-a-houseplant' },
    });
    const post = await client.get('/api/posts/how-to-repot-a-houseplant');
    expect(post).toMatchObject({
      status: 200,
      body: { title: 'How to repot a houseplant', category: { name: 'Plants' } },
    });
    expect(post.body.content).toMatch(/^## /);
    expect(post.body.tags).toMatchObject([{ name: 'Soil' }]);
    const page = await client.get('/posts/how-to-repot-a-houseplant');
    expect(page.status).toBe(200);
    expect(page.body).toContain('<h1');
    const task = await client.get(`/api/tasks/${taskId}`);
    expect(task.body).toMatchObject({
      status: 'completed',
      run_id: runId,
      task_metadata: { content: post.body.content },
    });
  });

  test('whose text is rejected ends there, and can be tried again from its finished steps', async () => {
    const { taskId, runId } = await start('A topic that is rejected');
    await openApproval(taskId);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: false, feedback: 'No.' });
    expect(await ended(runId)).toMatchObject({ status: 'failed', error: { code: 'rejected' } });
    expect((await client.get(`/api/orchestrator/status/${taskId}`)).body.status).toBe('rejected');
    const before = (await client.get(`/api/v1/runs/${runId}`)).body;
    expect((await client.post(`/api/v1/runs/${runId}/retry`)).body).toMatchObject({
      status: 'queued',
      attempt: 2,
    });
    await openApproval(taskId);
    const after = (await client.get(`/api/v1/runs/${runId}`)).body;
    expect(after.tokens_out).toBe(before.tokens_out);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    expect(await ended(runId)).toMatchObject({ status: 'completed', attempt: 2 });
  });

  test('is revised by the model on request, and each revision is kept with its author', async () => {
    const { taskId, runId } = await start('A topic that needs another round');
    const first = await openApproval(taskId);
    const asked = await client.post(`/api/v1/approvals/${first.approval_id}/decide`, {
      decision: 'request_changes',
      revision: first.revision,
      comment: 'Shorter, please',
    });
    expect(asked).toMatchObject({
      status: 200,
      body: { status: 'changes_requested', feedback: 'Shorter, please' },
    });
    const second = await until(async () => {
      const open = await openApproval(taskId);
      return open.approval_id !== first.approval_id && open;
    }, 'a second approval');
    expect([first.revision, second.revision]).toEqual([2, 4]);
    await client.post(`/api/v1/approvals/${second.approval_id}/decide`, { decision: 'approve', revision: 4 });
    const run = await ended(runId);
    const content = await client.get(`/api/content/${run.output.content_id}`);
    expect(content.body).toMatchObject({ status: 'published', revision: 4, published_revision: 4 });
    expect(content.body.revisions).toMatchObject([
      { number: 4, author: { kind: 'model' } },
      { number: 3, author: { kind: 'model' } },
      { number: 2, author: { kind: 'model' } },
      { number: 1, author: { kind: 'model' } },
    ]);
  });

  test('can be edited by the person who asks for changes', async () => {
    const { taskId, runId } = await start('A topic that a person edits');
    const first = await openApproval(taskId);
    await client.post(`/api/v1/approvals/${first.approval_id}/decide`, {
      decision: 'request_changes',
      revision: first.revision,
      edits: { title: 'A better title' },
    });
    await until(async () => (await openApproval(taskId)).revision === 3, 'the edited revision');
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    expect(await ended(runId)).toMatchObject({ output: { slug: 'a-better-title', revision: 3 } });
  });

  test('is published at the time that was asked for', async () => {
    const task = await client.post('/api/tasks', {
      task_name: 'Later',
      topic: 'Later',
      auto_start: true,
      parameters: { ...PLAIN, publish_at: new Date(Date.now() + 4_000).toISOString() },
    });
    await openApproval(task.body.id);
    await client.post(`/api/orchestrator/approve/${task.body.id}`, { approved: true });
    await until(
      async () => (await client.get(`/api/v1/runs/${task.body.run_id}`)).body.current_step === 'scheduled',
      'the schedule',
    );
    expect((await client.get('/api/posts/later')).status).toBe(404);
    const run = await ended(task.body.run_id);
    expect(run.status).toBe('completed');
    expect((await client.get('/api/posts/later')).status).toBe(200);
  });
});

describe('a run', () => {
  test('holds at its next step while it is paused, and goes on when it is resumed', async () => {
    const { taskId, runId } = await start('A topic that is paused');
    await openApproval(taskId);
    expect((await client.post(`/api/v1/runs/${runId}/pause`)).body.status).toBe('paused');
    expect((await client.post(`/api/v1/runs/${runId}/pause`)).status).toBe(409);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    expect((await client.get(`/api/v1/runs/${runId}`)).body.status).toBe('paused');
    expect((await client.post(`/api/v1/runs/${runId}/resume`)).body.status).toBe('waiting');
    expect(await ended(runId)).toMatchObject({ status: 'completed' });
  });

  test('that is cancelled closes its approval and publishes nothing', async () => {
    const { taskId, runId } = await start('A topic that is cancelled');
    const { approval_id } = await openApproval(taskId);
    expect((await client.post(`/api/v1/runs/${runId}/cancel`)).body.status).toBe('cancelled');
    expect((await client.get(`/api/v1/approvals/${approval_id}`)).body.status).toBe('cancelled');
    expect((await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true })).status).toBe(409);
    expect((await client.get(`/api/tasks/${taskId}`)).body).toMatchObject({
      status: 'failed',
      outcome: 'cancelled',
    });
    expect((await client.get('/api/posts/a-topic-that-is-cancelled')).status).toBe(404);
  });

  test('is the only one of its task', async () => {
    const { taskId } = await start('A topic that is started twice');
    const again = await client.post('/api/orchestrator/process', { task_id: taskId });
    expect(again).toMatchObject({ status: 409, body: { code: 'run_live' } });
  });

  test('tells its story in events without gaps', async () => {
    const { taskId, runId } = await start('A topic with a story');
    await openApproval(taskId);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    await ended(runId);
    const { body } = await client.get(`/api/v1/runs/${runId}/events`);
    expect(body.items.map((event: { seq: number }) => event.seq)).toEqual(
      body.items.map((_: unknown, i: number) => i + 1),
    );
    const types = body.items.map((event: { type: string }) => event.type);
    expect(types[0]).toBe('run.queued');
    expect(types).toEqual(
      expect.arrayContaining(['run.started', 'approval.requested', 'approval.decided', 'post.published']),
    );
    expect(types.at(-1)).toBe('run.completed');
  });

  test('measures what is written, and has the model optimise it', async () => {
    const { taskId, runId } = await start('A topic to improve', { primary_keyword: 'improve' });
    expect(
      (await client.post('/api/orchestrator/process', { task_id: taskId, workflow_type: 'analysis' })).status,
    ).toBe(409);
    await openApproval(taskId);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    await ended(runId);
    const analysis = await client.post('/api/orchestrator/process', {
      task_id: taskId,
      workflow_type: 'analysis',
    });
    const measured = await ended(analysis.body.execution_id);
    expect(measured.output.words).toBeGreaterThan(10);
    const optimise = await client.post('/api/orchestrator/process', {
      task_id: taskId,
      workflow_type: 'optimization',
      parameters: PLAIN,
    });
    expect((await openApproval(taskId)).revision).toBe(4);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    expect(await ended(optimise.body.execution_id)).toMatchObject({
      status: 'completed',
      output: { revision: 4 },
    });
    expect(
      (await client.get('/api/posts')).body.posts.filter((post: { slug: string }) =>
        post.slug.startsWith('a-topic-to-improve'),
      ),
    ).toHaveLength(1);
  });
});

describe('content that a person wrote', () => {
  test('goes through the same approval and publication, and stays editable', async () => {
    const created = await client.post('/api/content', {
      title: 'By hand',
      content: 'Some text.',
      seo_title: 'SEO',
    });
    expect(created).toMatchObject({ status: 201, body: { revision: 1, author: { kind: 'person' } } });
    const { id } = created.body;
    await until(async () => (await client.get(`/api/content/${id}`)).body.approval_id, 'its approval');
    const edited = await client.post(`/api/content/${id}`, { content: 'Some better text.' });
    expect(edited).toMatchObject({ status: 200, body: { revision: 2 } });
    const approval = await client.get(`/api/v1/approvals/${edited.body.approval_id}`);
    expect(approval.body.revision).toBe(2);
    const approved = await client.post('/api/content/approve', {
      content_id: id,
      approved: true,
      feedback: 'Looks great!',
    });
    expect(approved.status).toBe(200);
    await until(
      async () => (await client.get(`/api/content/${id}`)).body.status === 'published',
      'its publication',
    );
    const post = await client.get('/api/posts/by-hand');
    expect(post.body).toMatchObject({ content: 'Some better text.', seo_title: 'SEO' });
    expect((await client.request('DELETE', `/api/content/${id}`)).status).toBe(204);
    expect((await client.get('/api/posts/by-hand')).status).toBe(404);
    expect((await client.get(`/api/content/${id}`)).status).toBe(404);
  });
});
