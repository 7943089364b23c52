import { Client, Connection } from '@temporalio/client';
import type { ModelStep } from './evidence.ts';

/** The activities that ask the model, as long as it is not able to judge. */
const ASKING = ['outline', 'draftSection', 'describe'];

/** When the tries of a workflow's model activities began that Temporal heard of, in the order of its steps. */
const startsOf = async (client: Client, workflowId: string): Promise<number[]> => {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  // Sections are written side by side: only the order in which they were asked for is that of the steps.
  const starts = new Map<string, number>();
  for (const event of events ?? []) {
    const name = event.activityTaskScheduledEventAttributes?.activityType?.name ?? '';
    if (ASKING.includes(name)) starts.set(String(event.eventId), 0);
    const begun = event.activityTaskStartedEventAttributes;
    if (!begun || !starts.has(String(begun.scheduledEventId))) continue;
    const at = Number(event.eventTime?.seconds) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6;
    starts.set(String(begun.scheduledEventId), at);
  }
  return [...starts.values()];
};

const order = ({ path }: ModelStep): number => {
  if (path.startsWith('outline')) return -1;
  return path.startsWith('draft') ? Number(path.split('/')[1]) : Infinity;
};

/**
 * Counts the answers that had been committed when a further try of their activity began: those whose acknowledgement was
 * lost. Each could have been asked for twice; without one, nothing was proved.
 */
export const countLostAcknowledgements = async (
  temporalAddress: string,
  steps: readonly ModelStep[],
): Promise<number> => {
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const client = new Client({ connection });
    let lost = 0;
    for (const [runId, own] of Map.groupBy(steps, (step) => step.runId)) {
      const starts = await startsOf(client, `content/${runId}/1`).catch(() => []);
      const sorted = own.toSorted((a, b) => order(a) - order(b));
      lost += sorted.filter(
        ({ committedAt }, n) => committedAt !== null && (starts[n] ?? 0) > committedAt,
      ).length;
    }
    return lost;
  } finally {
    await connection.close();
  }
};
