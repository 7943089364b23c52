import type { ApiClient } from './client.ts';
import { until } from './until.ts';

export interface OpenApproval {
  readonly approval_id: string;
  readonly revision: number;
}

/** A pipeline whose text goes on as it was first written, and has no image: for tests that are about something else. */
export const PLAIN = { quality: { max_revisions: 0 }, image: 'none' };

/** Creates a task and starts its pipeline. */
export const startPipeline = async (
  client: ApiClient,
  topic: string,
  parameters: object = {},
): Promise<{ taskId: string; runId: string }> => {
  const { status, body } = await client.post('/api/tasks', {
    task_name: topic,
    topic,
    auto_start: true,
    parameters: { ...PLAIN, ...parameters },
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return { taskId: body.id, runId: body.run_id };
};

/** Waits until a task asks for a decision. */
export const awaitApproval = (client: ApiClient, taskId: string): Promise<OpenApproval> =>
  until(async () => {
    const { body } = await client.get(`/api/orchestrator/approval/${taskId}`);
    return body.requires_approval && (body as OpenApproval);
  }, 'an open approval');

/** Waits until a run has ended. */
export const awaitEnd = (client: ApiClient, runId: string) =>
  until(async () => {
    const { body } = await client.get(`/api/v1/runs/${runId}`);
    return ['completed', 'failed', 'cancelled'].includes(body.status) && body;
  }, 'the end of the run');
