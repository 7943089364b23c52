import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import type { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { AT_ONCE, creative, qa, research, runOf, TEXT } from '../harness/subtasks.ts';

describe('with a model for demonstration', () => {
  let server: TestServer;
  let client: ApiClient;

  beforeAll(async () => {
    server = await startTestServer({ model: 'scripted:slow', publicUrl: 'https://journal.example' });
    client = await server.signIn();
    await server.startWorker();
  });
  afterAll(() => server?.close());

  test('a text is written at once, or section by section where it is longer', async () => {
    const short = await creative(client, { style: 'humorous' });
    expect(short).toMatchObject({
      status: 200,
      body: {
        status: 'completed',
        run_status: 'completed',
        model: 'scripted:slow',
        content: expect.stringMatching(/\w/),
      },
    });
    expect(short.body.content).not.toContain('## ');
    const medium = await creative(client, { length: 'medium' });
    expect(medium.body.content.match(/^## .+/gm)?.length).toBeGreaterThan(2);
    const { steps } = await runOf(client, medium.body.run_id);
    expect(steps.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['outline', 'part/0', 'part/1', 'part/2', 'answer']),
    );
  });

  test('who does not wait finds the text by the run, and by asking again with the same key', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const first = await creative(client, { topic: 'Slow tea' }, { ...key, ...AT_ONCE });
    expect(first.headers.get('preference-applied')).toBe('wait=0');
    expect(first.body).toMatchObject({ status: 'processing', content: null, words: null });
    const again = await creative(client, { topic: 'Slow tea' }, key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toMatchObject({ status: 'completed', run_id: first.body.run_id });
    const run = await runOf(client, first.body.run_id);
    expect(run).toMatchObject({
      kind: 'subtask',
      subject_type: 'subtask',
      subject_id: run.id,
      status: 'completed',
      summary: 'creative: Slow tea',
      input: { subtask: 'creative', request: { topic: 'Slow tea', style: 'professional', length: 'short' } },
      output: { words: again.body.words, model: 'scripted:slow' },
    });
    const other = await creative(client, { topic: 'Another tea' }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  test('a run that is cancelled while somebody waits ends the waiting', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const { body } = await creative(client, { length: 'long' }, { ...key, ...AT_ONCE });
    const waiting = creative(client, { length: 'long' }, key);
    await client.post(`/api/v1/runs/${body.run_id}/cancel`);
    expect(await waiting).toMatchObject({
      status: 409,
      body: { code: 'run_cancelled', run_id: body.run_id },
    });
    const retried = await client.post(`/api/v1/runs/${body.run_id}/retry`);
    expect(retried.body).toMatchObject({ status: 'queued', attempt: 2 });
    expect((await creative(client, { length: 'long' }, key)).body).toMatchObject({ status: 'completed' });
  });

  test('a paused run is still processing when the time is over', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const { body } = await creative(client, { length: 'medium' }, { ...key, ...AT_ONCE });
    await client.post(`/api/v1/runs/${body.run_id}/pause`);
    const paused = await creative(client, { length: 'medium' }, { ...key, prefer: 'wait=1' });
    expect(paused.body).toMatchObject({ status: 'processing', run_status: 'paused', content: null });
    await client.post(`/api/v1/runs/${body.run_id}/resume`);
    expect((await creative(client, { length: 'medium' }, key)).body.status).toBe('completed');
  });

  test('a text is checked by rule, and what nobody checked is named', async () => {
    const { status, body } = await qa(client, { content: TEXT });
    expect(status).toBe(200);
    expect(body.issues).toContainEqual(
      expect.objectContaining({ check: 'grammar', source: 'measured', line: 3 }),
    );
    expect(body.issues).toContainEqual(expect.objectContaining({ check: 'formatting', line: 5 }));
    expect(body.quality_score).toBeGreaterThanOrEqual(0);
    expect(body.basis).toContain('code alone');
    expect(body.unchecked.map(({ check }: { check: string }) => check)).toEqual([
      'grammar',
      'factuality',
      'formatting',
    ]);
    const grammar = await qa(client, { content: TEXT, checks: ['grammar'] });
    expect(new Set(grammar.body.issues.map(({ check }: { check: string }) => check))).toEqual(
      new Set(['grammar']),
    );
    // The text is in the run's own row, and in nothing that lists or follows runs.
    const seen = [await client.get('/api/v1/runs'), await client.get(`/api/v1/runs/${body.run_id}/events`)];
    expect(JSON.stringify(seen)).not.toContain('caffeine');
  });

  test('images are title cards that everyone can fetch, and the note says so', async () => {
    const { body } = await client.post('/api/subtasks/images', {
      prompt: 'A robot drinks tea',
      style: '3d',
      count: 2,
    });
    expect(body).toMatchObject({
      status: 'completed',
      note: expect.stringContaining('TASKLOOM_IMAGE_MODEL'),
    });
    expect(body.images).toHaveLength(2);
    for (const image of body.images) {
      expect(image).toMatchObject({ prompt: 'A robot drinks tea', origin: 'title_card', model: null });
      expect(image.url).toMatch(/^https:\/\/journal\.example\/media\//);
      const file = await fetch(server.url + new URL(image.url).pathname);
      expect([file.status, file.headers.get('content-type')]).toEqual([200, 'image/png']);
    }
    expect(body.images[0].id).not.toBe(body.images[1].id);
  });

  test('a text is formatted by code', async () => {
    const format = (body: object) => client.post('/api/subtasks/format', { content: TEXT, ...body });
    expect((await format({ format: 'rst' })).body).toMatchObject({
      status: 'completed',
      format: 'rst',
      formatted_content: expect.stringMatching(/^Tea\n====\n/),
    });
    const html = await format({
      format: 'html',
      content: '# A\n\n<script>alert(1)</script>B',
      style: 'documentation',
    });
    expect(html.body.formatted_content).toBe('<h1 id="a">A</h1>\nB');
    const run = await runOf(client, html.body.run_id);
    expect(run).toMatchObject({ cost_usd: 0, tokens_out: 0, output: { format: 'html' } });
    expect(run.summary).toBe('format: # A <script>alert(1)</script>B');
  });

  test('what a parser takes too long for is refused', async () => {
    const { status, body } = await client.post('/api/subtasks/format', {
      content: '_a_'.repeat(60_000),
      format: 'html',
    });
    expect([status, body.code]).toEqual([422, 'content_too_complex']);
    expect((await runOf(client, body.run_id)).status).toBe('failed');
  });

  test('without research the findings say why there are none', async () => {
    const { status, body } = await research(client, {});
    expect(status).toBe(200);
    expect(body).toMatchObject({ findings: 'no sources: research is off', findings_by: 'rule', sources: [] });
  });

  test.each([
    ['research', { topic: '  ' }, 'body.topic'],
    ['research', { topic: 'a', depth: 'endless' }, 'body.depth'],
    ['research', { topic: 'a', sources: ['rumours'] }, 'body.sources'],
    ['creative', { topic: 'a', style: 'promotional' }, 'body.style'],
    ['qa', { content: 'a', checks: [] }, 'body.checks'],
    ['images', { prompt: 'a', count: 5 }, 'body.count'],
    ['format', { content: 'a', format: 'docx' }, 'body.format'],
  ])('%s refuses %j and starts nothing', async (subtask, body, field) => {
    const count = async () => (await client.get('/api/v1/runs?kind=subtask&limit=1')).body.total;
    const before = await count();
    const answer = await client.post(`/api/subtasks/${subtask}`, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.fields).join()).toContain(field);
    expect(await count()).toBe(before);
  });

  test('a reader may not start one', async () => {
    const viewer = await server.signIn({ email: 'viewer@example.com', role: 'viewer' });
    expect((await creative(viewer, {})).status).toBe(403);
  });

  test('each is in the history, the audit and the totals', async () => {
    const { body } = await client.get('/api/workflow/history?workflow_name=subtask');
    const [newest] = body.executions;
    expect(newest).toMatchObject({ kind: 'subtask', workflow_id: newest.id });
    const own = await client.get(`/api/workflow/${newest.workflow_id}/history`);
    expect(own.body.executions).toHaveLength(1);
    const audited = await server.system.many(
      sql`select 1 from audit where action = 'run.start' and target_id = ${newest.id}`,
    );
    expect(audited).toHaveLength(1);
  });
});
