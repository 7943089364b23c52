import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { until } from '../harness/until.ts';
import type { World } from './world.ts';

/** How many activities a pipeline has before its approval, and after it as far as it has come. */
export interface Steps {
  readonly before: number;
  readonly after: number;
}

/** The history of a workflow that has nothing to do: what it did on the spot is recorded only at the end of its task. */
const historyAtRest = (handle: WorkflowHandle) =>
  until(async () => {
    const events = (await handle.fetchHistory()).events ?? [];
    const last = events.at(-1);
    const rests =
      last?.workflowTaskCompletedEventAttributes ??
      last?.markerRecordedEventAttributes ??
      last?.workflowExecutionCompletedEventAttributes;
    return rests ? events : undefined;
  }, 'a workflow at rest');

/** How many activities, local ones included, our pipeline has before and after its approval, from the history of one. */
export const countActivities = async (world: World, runId: string): Promise<Steps> => {
  const connection = await Connection.connect({ address: world.temporal.address });
  try {
    const handle = new Client({ connection }).workflow.getHandle(`content/${runId}/1`);
    const events = await historyAtRest(handle);
    const signal = events.findIndex((event) => event.workflowExecutionSignaledEventAttributes);
    const isActivity = (event: (typeof events)[number]): boolean =>
      Boolean(event.activityTaskScheduledEventAttributes) ||
      event.markerRecordedEventAttributes?.markerName === 'core_local_activity';
    const count = (part: typeof events): number => part.filter(isActivity).length;
    const before = count(signal < 0 ? events : events.slice(0, signal));
    return { before, after: count(events) - before };
  } finally {
    await connection.close();
  }
};
