import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let server: TestServer;
let admin: ApiClient;
let editor: ApiClient;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.signIn();
  editor = await server.signIn({ email: 'writer@example.com', role: 'editor' });
});
afterAll(() => server?.close());

describe('the system settings', () => {
  const read = async (client: ApiClient) => (await client.get('/api/settings/system')).body;

  /** Starts another process, and ends it however the work with it ends. */
  const onAnother = async (work: (client: ApiClient) => Promise<void>): Promise<void> => {
    const other = await server.another();
    try {
      await work(new ApiClient(other.url, admin.token));
    } finally {
      await other.close();
    }
  };
  const becomes = (client: ApiClient, level: string) =>
    until(async () => (await read(client)).log_level === level, level, 5_000);

  test('hold on every process at once, and after a restart', async () => {
    const own = await read(admin);
    expect(own).toEqual({ debug_mode: true, log_level: 'ERROR', max_workers: 96, environment: 'test' });
    await onAnother(async (there) => {
      expect(await read(there)).toMatchObject({ log_level: 'ERROR' });
      const changed = await admin.request('PUT', '/api/settings/system', { log_level: 'fatal' });
      expect(changed.status).toBe(200);
      expect(changed.body).toMatchObject({ log_level: 'FATAL' });
      await becomes(there, 'FATAL');
    });
    await onAnother(async (there) => {
      expect(await read(there)).toMatchObject({ log_level: 'FATAL' });
      await admin.request('PUT', '/api/settings/system', { log_level: null });
      expect(await read(admin)).toEqual(own);
      await becomes(there, 'ERROR');
    });
    const entries = await server.system.many(
      sql`select detail from audit where action = 'settings.system' order by id`,
    );
    expect(entries).toEqual([
      { detail: { before: null, after: 'fatal' } },
      { detail: { before: 'fatal', after: null } },
    ]);
  });

  test('are for administrators, and take only levels that there are', async () => {
    expect((await editor.get('/api/settings/system')).status).toBe(403);
    expect((await editor.request('PUT', '/api/settings/system', { log_level: 'DEBUG' })).status).toBe(403);
    await server.system.run(
      sql`insert into roles (name, scopes) values ('watcher', array['system:read']) on conflict do nothing`,
    );
    const watcher = await server.signIn({ email: 'watcher@example.com', role: 'watcher' });
    expect((await watcher.get('/api/settings/system')).status).toBe(200);
    expect((await watcher.request('PUT', '/api/settings/system', { log_level: 'DEBUG' })).status).toBe(403);
    for (const level of ['loud', '', 'silent', 'toString'])
      expect((await admin.request('PUT', '/api/settings/system', { log_level: level })).status).toBe(400);
    expect((await admin.request('PUT', '/api/settings/system', { max_workers: 9 })).status).toBe(400);
  });
});
