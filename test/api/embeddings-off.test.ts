import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sql } from '../../store/sql.ts';
import { awaitApproval, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ embeddings: false });
  await server.startWorker();
});
afterAll(() => server?.close());

test('where embeddings are switched off, the judge says that nothing was compared, and the run goes on', async () => {
  const client = await server.signIn();
  const { taskId, runId } = await startPipeline(client, 'Judged by measures', { image: 'none' });
  await awaitApproval(client, taskId);
  const judged = await server.system.many(
    sql`select result from run_steps where run_id = ${runId} and path like 'judge.%'`,
  );
  expect(judged.length).toBeGreaterThan(0);
  for (const { result } of judged as { result: object }[])
    expect(result).toMatchObject({
      score: expect.any(Number),
      not_compared: 'Embeddings are switched off: set TASKLOOM_EMBEDDINGS to on.',
    });
  expect(await server.system.many(sql`select 1 from post_embeddings`)).toEqual([]);
});
