import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sealEntries } from '../../store/audit/sealer.ts';
import { verifyAudit } from '../../store/audit/verify.ts';
import { sql } from '../../store/sql.ts';
import type { Answer, ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { startWorkerProcess } from '../harness/worker-process.ts';

const LOG = '/api/v1/audit-logs';
const LOGINS = '/api/v1/admin/log/login-logs';
const OPERATIONS = '/api/v1/admin/log/opera-logs';

let server: TestServer;
let admin: ApiClient;
let theirs: ApiClient;
let adminId: string;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.signIn({ email: 'admin@example.com' });
  theirs = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
  adminId = (await admin.get('/auth/me')).body.id;
  await server.signIn({ email: 'writer@example.com', role: 'editor' });
});
afterAll(() => server?.close());

const newest = async (client: ApiClient, path: string) => (await client.get(path)).body.items[0];

const createTask = async (name: string, headers?: Record<string, string>): Promise<string> =>
  (await admin.post('/api/tasks', { task_name: name, topic: 'audited' }, headers)).body.id;

describe('deleting from the log', () => {
  const remove = (client: ApiClient, path: string, id: number): Promise<Answer> =>
    client.request('DELETE', `${path}/${id}`, undefined, { 'x-request-id': 'redaction' });

  test('removes what an entry says, leaves its hash, and is logged itself', async () => {
    const task = await createTask('To be forgotten', { 'user-agent': 'forgotten/1.0' });
    const before = await newest(admin, `${LOG}?target_id=${task}`);
    await sealEntries(server.system);
    expect((await remove(admin, OPERATIONS, before.id)).status).toBe(204);
    const { items } = (await admin.get(`${LOG}?limit=2`)).body;
    expect(items).toMatchObject([
      {
        action: 'audit.redact',
        actor_id: adminId,
        target_type: 'audit',
        target_id: String(before.id),
        detail: { action: 'task.create', content_hash: before.content_hash },
        request_id: 'redaction',
      },
      {
        id: before.id,
        action: 'task.create',
        actor_id: adminId,
        content_hash: before.content_hash,
        target_type: null,
        target_id: null,
        detail: null,
        client_address: null,
        user_agent: null,
        redacted_at: expect.any(String),
        redacted_by: adminId,
      },
    ]);
    const [row] = await server.system.many<{ all: string }>(
      sql`select to_jsonb(a)::text as all from audit a where id = ${before.id}`,
    );
    expect(row?.all).not.toMatch(/To be forgotten|forgotten\/1\.0|127\.0\.0\.1/);
    expect(JSON.stringify((await admin.get(OPERATIONS)).body)).not.toContain('To be forgotten');
    expect(await verifyAudit(server.system)).toMatchObject({ redacted: 1, findings: [] });
    expect((await remove(admin, OPERATIONS, before.id)).status).toBe(404);
  });

  test('of a sign-in takes it out of the list', async () => {
    const [entry] = (await admin.get(LOGINS)).body.items;
    expect((await remove(admin, LOGINS, entry.id)).status).toBe(204);
    const { items } = (await admin.get(LOGINS)).body;
    expect(items.map(({ id }: { id: number }) => id)).not.toContain(entry.id);
  });

  test('knows each entry at its own door and in its own workspace alone', async () => {
    const [login] = (await admin.get(LOGINS)).body.items;
    const [operation] = (await admin.get(`${OPERATIONS}?limit=1`)).body.items;
    expect((await remove(admin, OPERATIONS, login.id)).status).toBe(404);
    const id = await createTask('Ours');
    const ours = await newest(admin, `${LOG}?target_id=${id}`);
    for (const path of [LOGINS, OPERATIONS]) {
      expect((await remove(theirs, path, ours.id)).status).toBe(404);
      expect((await remove(theirs, path, operation.id)).status).toBe(404);
      expect((await admin.request('DELETE', `${path}/0`)).status).toBe(404);
      expect((await admin.request('DELETE', `${path}/x`)).status).toBe(404);
      expect((await admin.request('DELETE', `${path}/99999999999999999999`)).status).toBe(404);
    }
    expect(await newest(admin, `${LOG}?target_id=${id}`)).toMatchObject({ redacted_at: null });
  });

  test('is not possible for the entry about it', async () => {
    const about = await newest(admin, `${LOG}?action=audit.redact`);
    expect(await remove(admin, OPERATIONS, about.id)).toMatchObject({
      status: 409,
      body: { code: 'not_redactable' },
    });
  });

  test('happens once when two want it at the same time', async () => {
    const id = await createTask('Twice');
    const { id: entry } = await newest(admin, `${LOG}?target_id=${id}`);
    const answers = await Promise.all([
      remove(admin, OPERATIONS, entry),
      remove(admin, OPERATIONS, entry),
      sealEntries(server.system),
    ]);
    expect([answers[0].status, answers[1].status].toSorted((a, b) => a - b)).toEqual([204, 404]);
    expect((await admin.get(`${LOG}?action=audit.redact&target_id=${entry}`)).body.total).toBe(1);
    await sealEntries(server.system);
    expect(await verifyAudit(server.system)).toMatchObject({ findings: [], unsealed: 0 });
  });
});

test('a worker seals what was written, and another one what was written while there was none', async () => {
  const env = { TASKLOOM_MODEL: 'scripted:instant' };
  const sealed = (task: string): Promise<unknown> =>
    until(async () => (await newest(admin, `${LOG}?target_id=${task}`)).sealed === true, 'the seal');
  const first = await createTask('Sealed by one');
  const killed = await startWorkerProcess(server, env);
  await sealed(first);
  await killed.kill();
  const second = await createTask('Sealed by the next');
  const worker = await startWorkerProcess(server, env);
  await sealed(second);
  await worker.stop();
  expect(await verifyAudit(server.system)).toMatchObject({ findings: [] });
});
