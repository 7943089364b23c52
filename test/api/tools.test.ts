import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import type { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

describe('the tools', () => {
  let server: TestServer;
  let client: ApiClient;

  beforeAll(async () => {
    server = await startTestServer({ research: 'tavily' });
    client = await server.signIn();
  });
  afterAll(() => server?.close());

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
