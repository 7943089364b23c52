import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket as HeaderSocket } from 'ws';
import { ApiClient, type Answer } from '../harness/client.ts';
import { readSocket, readSse } from '../harness/live.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

const KEYS = '/api/settings/api-keys';
/** Of the right shape, and nobody's. */
const NOBODYS = `tl_live_${'A'.repeat(43)}`;

let server: TestServer;
let editor: ApiClient;

beforeAll(async () => {
  server = await startTestServer();
  editor = await server.signIn({ email: 'writer@example.com', role: 'editor' });
});
afterAll(() => server?.close());

const make = (body: object = {}): Promise<Answer> =>
  editor.post(KEYS, { name: 'CI', scopes: ['tasks:read', 'events:read'], ...body });
const revoke = (id: string): Promise<Answer> => editor.request('DELETE', `${KEYS}/${id}`);

describe('live connections', () => {
  const start = async (key: string): Promise<string> =>
    (
      await new ApiClient(server.url, key).post('/api/tasks', {
        task_name: 'by key',
        topic: 'keys',
        auto_start: true,
      })
    ).body.run_id;

  test('take a key: events over SSE, by either header, and over a socket', async () => {
    const { body } = await make({
      scopes: ['tasks:read', 'tasks:write', 'events:read', 'runs:read'],
    });
    const runId = await start(body.key);
    const enough = (frames: readonly object[]): boolean => frames.length > 0;
    const path = `${server.url}/api/v1/runs/${runId}/events`;
    const [queued] = await readSse(path, body.key, { enough });
    expect(queued?.type).toBe('run.queued');
    const response = await fetch(path, {
      headers: { 'x-api-key': body.key, accept: 'text/event-stream' },
    });
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('run.queued');
    // It is not closed as one whose credential nobody knows.
    const [frame] = await readSocket(server.url, body.key, { streams: { [`run:${runId}`]: 0 } }, enough);
    expect(frame?.type).toBe('run.queued');
    await revoke(body.id);
    for (;;) if ((await reader?.read())?.done !== false) break;
  });

  test('over a socket: by header, with the scope alone, and no longer than the key lives', async () => {
    const address = `${server.url.replace('http', 'ws')}/ws`;
    const closed = async (key: string, after: () => Promise<unknown> = async () => {}): Promise<number> => {
      const socket = new HeaderSocket(address, { headers: { 'x-api-key': key } });
      const frames: string[] = [];
      const end = new Promise<number>((resolve) => socket.once('close', resolve));
      socket.on('message', (data: Buffer) => frames.push(data.toString()));
      await new Promise((resolve) => socket.once('open', resolve));
      void until(async () => frames.some((frame) => frame.includes('"ready"')), 'ready', 3_000).then(
        after,
        () => {},
      );
      return end;
    };
    const { body } = await make();
    expect(await closed(body.key, () => revoke(body.id))).toBe(4401);
    expect(await closed(NOBODYS)).toBe(4401);
    const blind = await make({ scopes: ['tasks:read'] });
    expect(await closed(blind.body.key)).toBe(4403);
    const soon = await make({ expires_at: new Date(Date.now() + 1_500).toISOString() });
    expect(await closed(soon.body.key)).toBe(4401);
  });
});
