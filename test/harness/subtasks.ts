import type { ApiClient } from './client.ts';

/** Runs each subtask, with a request that is complete but for what a test changes. */
export const research = (client: ApiClient, body: object, headers = {}) =>
  client.post(
    '/api/subtasks/research',
    { topic: 'Repotting a houseplant', depth: 'shallow', ...body },
    headers,
  );
export const creative = (client: ApiClient, body: object, headers = {}) =>
  client.post('/api/subtasks/creative', { topic: 'Tea', length: 'short', ...body }, headers);
export const qa = (client: ApiClient, body: object) => client.post('/api/subtasks/qa', body);
export const runOf = async (client: ApiClient, id: string) => (await client.get(`/api/v1/runs/${id}`)).body;

/** For who does not wait. */
export const AT_ONCE = { prefer: 'wait=0' };
/** Markdown with a slip in line 3 and an image without a description in line 5. */
export const TEXT = `# Tea\n\nThe the cup is warm. ${'It was made a while ago. '.repeat(4)}It holds caffeine.\n\n![](cup.png)`;
