import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startModelDouble, type ModelDouble } from '../doubles/model-double.ts';
import { startResearchDouble, type ResearchDouble } from '../doubles/research-double.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitEnd } from '../harness/pipeline.ts';
import { resultsAt } from '../harness/research.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { AT_ONCE, creative, qa, research, runOf, TEXT } from '../harness/subtasks.ts';
import { until } from '../harness/until.ts';

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
});
