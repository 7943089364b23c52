import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { startModelDouble, type ModelDouble } from '../doubles/model-double.ts';
import { startResearchDouble, type ResearchDouble } from '../doubles/research-double.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitEnd } from '../harness/pipeline.ts';
import { resultsAt } from '../harness/research.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

const research = (client: ApiClient, body: object, headers = {}) =>
  client.post(
    '/api/subtasks/research',
    { topic: 'Repotting a houseplant', depth: 'shallow', ...body },
    headers,
  );
const creative = (client: ApiClient, body: object, headers = {}) =>
  client.post('/api/subtasks/creative', { topic: 'Tea', length: 'short', ...body }, headers);
const qa = (client: ApiClient, body: object) => client.post('/api/subtasks/qa', body);
const runOf = async (client: ApiClient, id: string) => (await client.get(`/api/v1/runs/${id}`)).body;

const AT_ONCE = { prefer: 'wait=0' };
const TEXT = `# Tea\n\nThe the cup is warm. ${'It was made a while ago. '.repeat(4)}It holds caffeine.\n\n![](cup.png)`;

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

describe('with a model that is able', () => {
  let server: TestServer;
  let client: ApiClient;
  let model: ModelDouble;
  let searching: ResearchDouble;

  beforeAll(async () => {
    [model, searching] = await Promise.all([startModelDouble({}), startResearchDouble('searxng')]);
    searching.find(resultsAt(searching.url, 3));
    server = await startTestServer({
      model: 'anthropic:claude-sonnet-4-5',
      anthropicApiKey: 'a key that must not be seen',
      anthropicBaseUrl: model.url,
      modelInputPrice: '3',
      modelOutputPrice: '15',
      research: 'searxng',
      searxngUrl: searching.url,
    });
    client = await server.signIn();
    await server.startWorker();
  });
  afterAll(async () => {
    await server?.close();
    await Promise.all([model?.close(), searching?.close()]);
  });

  const say = (text: string): void => model.next({ kind: 'text', text });
  const pricey = (body: object, headers = {}) => creative(client, { budget_usd: 0.000001, ...body }, headers);

  test('findings are its summary, with citations that have a source', async () => {
    say('Roots want fresh soil [1], and pots need holes [2][9].');
    const { body } = await research(client, { sources: ['academic', 'blogs'] });
    expect(body).toMatchObject({
      status: 'completed',
      findings: 'Roots want fresh soil [1], and pots need holes [2].',
      findings_by: 'anthropic:claude-sonnet-4-5',
      note: null,
    });
    expect(body.sources).toHaveLength(3);
    expect(body.sources[0]).toMatchObject({
      n: 1,
      url: `${searching.url}/pages/1`,
      passages: expect.arrayContaining([expect.any(String)]),
    });
    const run = await runOf(client, body.run_id);
    expect(run.cost_usd).toBeGreaterThan(0);
    expect(run.output).toEqual({ sources: 3, findings_by: 'anthropic:claude-sonnet-4-5' });
  });

  test('a summary that cites nothing gives way to the passages themselves', async () => {
    for (let tries = 0; tries < 3; tries++) say('Everybody knows that plants grow.');
    const { body } = await research(client, { topic: 'Uncited houseplants' });
    expect(body).toMatchObject({ status: 'completed', findings_by: 'rule' });
    expect(body.findings).toMatch(/^### Houseplants \\& pots 1\n\n> .+ \[1\]/);
  });

  test('its own findings stand beside the measured ones, each with its source', async () => {
    const issue = {
      check: 'factuality',
      severity: 'error',
      message: 'Tea is not always warm.',
      excerpt: 'cup is warm',
    };
    say(JSON.stringify({ issues: [issue, { ...issue, check: 'formatting', message: 'Was not asked.' }] }));
    const { body } = await qa(client, { content: TEXT, checks: ['factuality', 'grammar'] });
    expect(body.issues).toContainEqual({ ...issue, line: 3, source: 'model' });
    expect(body.issues).toContainEqual(expect.objectContaining({ check: 'grammar', source: 'measured' }));
    expect(JSON.stringify(body.issues)).not.toContain('Was not asked');
    expect(body.basis).toContain('anthropic:claude-sonnet-4-5');
    expect(body.unchecked).toEqual([
      { check: 'factuality', text: expect.stringContaining('nothing was looked up') },
    ]);
  });

  test('the time that the client prefers is kept, and a client that leaves ends the waiting', async () => {
    model.next({ kind: 'hang', text: 'It begins and' });
    const key = { 'idempotency-key': randomUUID() };
    const { body } = await creative(client, { topic: 'Never' }, { ...key, prefer: 'wait=1' });
    expect(body).toMatchObject({ status: 'processing', run_status: 'running', content: null });
    const following = async (): Promise<number> => {
      const { body: metrics } = await client.get('/metrics');
      return Number(/^taskloom_live_subscriptions(?:\{.*\})? (\d+)/m.exec(metrics)?.[1] ?? Number.NaN);
    };
    expect(await following()).toBe(0);
    const leaving = new AbortController();
    const left = fetch(`${server.url}/api/subtasks/creative`, {
      method: 'POST',
      headers: { authorization: `Bearer ${client.token}`, 'content-type': 'application/json', ...key },
      body: JSON.stringify({ topic: 'Never', length: 'short' }),
      signal: leaving.signal,
    }).catch(() => 'left');
    await until(async () => (await following()) === 1, 'the waiting');
    leaving.abort();
    expect(await left).toBe('left');
    await until(async () => (await following()) === 0, 'the end of the waiting');
    await client.post(`/api/v1/runs/${body.run_id}/cancel`);
    await until(async () => model.calls.at(-1)?.status === 'aborted', 'the end of the call');
  });

  test('a budget that has no room is processing, and goes on when it is raised', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const waiting = await pricey({ topic: 'Dear tea' }, { ...key, prefer: 'wait=1' });
    expect(waiting.body).toMatchObject({ status: 'processing', run_status: 'waiting' });
    const { body } = await client.get(`/api/v1/approvals?status=open`);
    expect(body.items[0]).toMatchObject({ kind: 'budget', run_id: waiting.body.run_id });
    await client.post(`/api/v1/approvals/${body.items[0].id}/decide`, { decision: 'approve', revision: 1 });
    const done = await pricey({ topic: 'Dear tea' }, key);
    expect(done.body).toMatchObject({ status: 'completed', run_id: waiting.body.run_id });
    expect((await runOf(client, done.body.run_id)).budget.spent_usd).toBeGreaterThan(0);
  });

  test('a budget that is not raised is a problem with the run in it, again and again', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const { body } = await pricey({ topic: 'Too dear' }, { ...key, ...AT_ONCE });
    const open = await until(async () => {
      const { body: page } = await client.get(`/api/v1/approvals?status=open`);
      return page.items.find(({ run_id }: { run_id: string }) => run_id === body.run_id);
    }, 'the approval');
    await client.post(`/api/v1/approvals/${open.id}/decide`, { decision: 'reject', revision: 1 });
    for (let asked = 0; asked < 2; asked++)
      expect(await pricey({ topic: 'Too dear' }, key)).toMatchObject({
        status: 422,
        body: { code: 'budget_refused', run_id: body.run_id },
      });
  });

  test('a vendor that refuses the key is a problem that names the setting', async () => {
    model.next({ kind: 'status', status: 401, message: 'no' });
    const { status, body } = await creative(client, { topic: 'Refused' });
    expect([status, body.code]).toEqual([502, 'model_unauthorized']);
    expect(body.detail).toContain('ANTHROPIC_API_KEY');
    expect(await awaitEnd(client, body.run_id)).toMatchObject({ status: 'failed' });
  });

  test('tools are listed with what they take and give, as the spec says it', async () => {
    const { status, body } = await client.get('/api/orchestrator/tools');
    expect(status).toBe(200);
    const tools = new Map(body.tools.map((tool: { name: string }) => [tool.name, tool]));
    expect([...tools.keys()]).toEqual(
      expect.arrayContaining([
        'content_analyzer',
        'researcher',
        'writer',
        'editor',
        'judge',
        'illustrator',
        'publisher',
      ]),
    );
    expect(tools.get('researcher')).toMatchObject({
      operation: 'POST /api/subtasks/research',
      available: true,
      reason: null,
      inputs: expect.arrayContaining([
        { name: 'topic', type: 'string', required: true, description: 'What to look for.' },
        expect.objectContaining({ name: 'depth', type: 'string', enum: ['deep', 'moderate', 'shallow'] }),
        expect.objectContaining({
          name: 'sources',
          type: 'array of string',
          enum: ['academic', 'news', 'blogs'],
        }),
      ]),
      outputs: expect.arrayContaining([expect.objectContaining({ name: 'findings', type: 'string | null' })]),
    });
    for (const tool of body.tools) {
      expect(tool.inputs.length).toBeGreaterThan(0);
      expect(tool.outputs.length).toBeGreaterThan(0);
    }
    expect(tools.get('illustrator')).toMatchObject({
      available: true,
      reason: expect.stringContaining('TASKLOOM_IMAGE_MODEL'),
    });
  });
});

describe('without anything to do it with', () => {
  let server: TestServer;
  let client: ApiClient;

  beforeAll(async () => {
    server = await startTestServer({ model: 'openai', openaiApiKey: undefined, research: 'tavily' });
    client = await server.signIn();
  });
  afterAll(() => server?.close());

  test('a run without a worker is processing, and a missing model a problem that says what to set', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const { body } = await creative(client, {}, { ...key, prefer: 'wait=1' });
    expect(body).toMatchObject({ status: 'processing', run_status: 'queued' });
    await server.startWorker();
    const failed = await creative(client, {}, key);
    expect(failed).toMatchObject({
      status: 503,
      body: { code: 'model_not_configured', run_id: body.run_id },
    });
    expect(failed.body.detail).toContain('OPENAI_API_KEY');
  });

  test('what lacks a key is listed as such, to those who may know why', async () => {
    const tool = async (who: ApiClient) =>
      (await who.get('/api/orchestrator/tools')).body.tools.find(
        ({ name }: { name: string }) => name === 'researcher',
      );
    expect(await tool(client)).toMatchObject({
      available: false,
      reason: expect.stringContaining('TAVILY_API_KEY'),
    });
    await server.system.run(sql`insert into roles (name, scopes) values ('watcher', '{runs:read}')`);
    const watcher = await server.signIn({ email: 'watcher@example.com', role: 'watcher' });
    expect(await tool(watcher)).toMatchObject({ available: false, reason: null });
  });
});
