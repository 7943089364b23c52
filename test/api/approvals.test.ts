import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let server: TestServer;
let first: ApiClient;
let second: ApiClient;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  server = await startTestServer();
  first = await server.signIn();
  second = await server.signIn({ email: 'second@example.com', role: 'editor' });
  stopWorker = await server.startWorker();
});
afterAll(() => server?.close());

const decide = (client: ApiClient, id: string, body: object, headers?: Record<string, string>) =>
  client.post(`/api/v1/approvals/${id}/decide`, body, headers);

const verdicts = (runId: string) =>
  server.system.many(
    sql`select 1 from events where stream = ${`run:${runId}`} and type = 'approval.decided'`,
  );

describe('an approval', () => {
  test('that two people decide at once gets one verdict; the other is told so', async () => {
    const { taskId, runId } = await startPipeline(first, 'Two at once');
    const { approval_id: id, revision } = await awaitApproval(first, taskId);
    const answers = await Promise.all([
      decide(first, id, { decision: 'approve', revision }),
      decide(second, id, { decision: 'reject', revision }),
      decide(second, id, { decision: 'approve', revision }),
      decide(first, id, { decision: 'reject', revision }),
    ]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409]);
    for (const { body } of answers.filter(({ status }) => status === 409))
      expect(body.code).toBe('already_decided');
    await awaitEnd(first, runId);
    expect(await verdicts(runId)).toHaveLength(1);
  });

  test('of an older revision can not release a newer one', async () => {
    const { taskId } = await startPipeline(first, 'An old revision');
    const { approval_id: id, revision } = await awaitApproval(first, taskId);
    const { body } = await first.get(`/api/v1/approvals/${id}`);
    await first.post(`/api/content/${body.subject_id}`, { title: 'Newer' });
    const stale = await decide(second, id, { decision: 'approve', revision });
    expect(stale).toMatchObject({ status: 409, body: { code: 'stale_revision' } });
    expect(await decide(second, id, { decision: 'approve', revision: revision + 1 })).toMatchObject({
      status: 200,
    });
  });

  test('decided twice with the same key is decided once, and answered the same', async () => {
    const { taskId, runId } = await startPipeline(first, 'The same key');
    const { approval_id: id, revision } = await awaitApproval(first, taskId);
    const key = { 'idempotency-key': randomUUID() };
    const body = { decision: 'approve', revision };
    const answers = await Promise.all([decide(first, id, body, key), decide(first, id, body, key)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]?.body).toEqual(answers[1]?.body);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(1);
    expect(await decide(first, id, { decision: 'reject', revision }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    await awaitEnd(first, runId);
    expect(await verdicts(runId)).toHaveLength(1);
  });

  test('that expires is decided by the clock, and by nobody afterwards', async () => {
    const { taskId, runId } = await startPipeline(first, 'Too late', { approval: { expires_in_seconds: 1 } });
    const { approval_id: id, revision } = await awaitApproval(first, taskId);
    const run = await awaitEnd(first, runId);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'approval_expired' } });
    expect((await first.get(`/api/v1/approvals/${id}`)).body.status).toBe('expired');
    expect(await decide(first, id, { decision: 'approve', revision })).toMatchObject({
      status: 409,
      body: { code: 'already_decided' },
    });
    expect(await verdicts(runId)).toHaveLength(1);
  });

  test('whose expiry approves is approved by the clock', async () => {
    const { runId } = await startPipeline(first, 'Silence is consent', {
      approval: { expires_in_seconds: 1, on_expiry: 'approve' },
    });
    expect(await awaitEnd(first, runId)).toMatchObject({ status: 'completed' });
  });

  test('by several people needs that many different ones', async () => {
    const { taskId, runId } = await startPipeline(first, 'Four eyes', {
      approval: { count: 2, allow_self: true },
    });
    const { approval_id: id, revision } = await awaitApproval(first, taskId);
    expect(await decide(first, id, { decision: 'approve', revision })).toMatchObject({
      status: 200,
      body: { status: 'open' },
    });
    expect(await decide(first, id, { decision: 'approve', revision })).toMatchObject({
      status: 409,
      body: { code: 'already_voted' },
    });
    expect(
      (await first.get('/api/v1/approvals?mine=true')).body.items.map((item: { id: string }) => item.id),
    ).not.toContain(id);
    expect(
      (await second.get('/api/v1/approvals?mine=true')).body.items.map((item: { id: string }) => item.id),
    ).toContain(id);
    expect(await decide(second, id, { decision: 'approve', revision })).toMatchObject({
      status: 200,
      body: { status: 'approved', decisions: [{}, {}] },
    });
    expect(await awaitEnd(first, runId)).toMatchObject({ status: 'completed' });
  });

  test("keeps to its policy: whose role, and not one's own", async () => {
    const { taskId } = await startPipeline(first, 'A policy', {
      approval: { roles: ['admin'], allow_self: false },
    });
    const { approval_id: id, revision } = await awaitApproval(first, taskId);
    expect(await decide(second, id, { decision: 'approve', revision })).toMatchObject({
      status: 403,
      body: { code: 'role_not_allowed' },
    });
    expect(await decide(first, id, { decision: 'approve', revision })).toMatchObject({
      status: 403,
      body: { code: 'self_approval' },
    });
    expect(await decide(first, id, { decision: 'approve', revision, edits: { title: 'x' } })).toMatchObject({
      status: 403,
    });
  });

  test('leaves an audit entry with a content hash', async () => {
    const { taskId } = await startPipeline(first, 'Audited');
    const { approval_id: id, revision } = await awaitApproval(first, taskId);
    await decide(first, id, { decision: 'reject', revision, comment: 'no' });
    const entries = await server.system.many<{ action: string; actor_id: string; content_hash: string }>(
      sql`select action, actor_id, content_hash from audit where target_type = 'approval' and target_id = ${id}`,
    );
    expect(entries).toEqual([
      {
        action: 'approval.rejected',
        actor_id: expect.any(String),
        content_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
  });
});

describe('with no worker running', () => {
  test('decisions stand at once, and runs go on when there is one', async () => {
    const { taskId, runId } = await startPipeline(first, 'No worker');
    const { approval_id: id, revision } = await awaitApproval(first, taskId);
    const { taskId: expiring } = await startPipeline(first, 'No worker, expired', {
      approval: { expires_in_seconds: 2 },
    });
    const late = await awaitApproval(first, expiring);
    await stopWorker();
    const answers = await Promise.all([
      decide(first, id, { decision: 'approve', revision }),
      decide(second, id, { decision: 'approve', revision }),
    ]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    const afterExpiry = await until(async () => {
      const answer = await decide(second, late.approval_id, { decision: 'reject', revision: 99 });
      return answer.body.code === 'approval_expired' && answer;
    }, 'the expiry');
    expect(afterExpiry.status).toBe(409);
    stopWorker = await server.startWorker();
    expect(await awaitEnd(first, runId)).toMatchObject({ status: 'completed' });
  });
});
