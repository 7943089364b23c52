import {
  ActivityCancellationType,
  proxyActivities,
  workflowInfo,
  type ActivityInterfaceFor,
  type UntypedActivities,
} from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/common';
import { siblingQueue, type Queue } from './queues.ts';

/** How reliable an activity is and how long it may take: the only activity options in the code base. */
const PROFILES = {
  /** Writes that a unique key makes repeatable: tried until they are done, because only the database can refuse them. */
  write: {
    queue: 'control',
    options: {
      startToCloseTimeout: '10s',
      retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '3s' },
    },
  },
  /** A call of a language model: its vendor SDK never retries, this does; it heartbeats, and stops when cancelled. */
  model: {
    queue: 'model',
    options: {
      // The local model writes one text at a time: the others wait for it inside their activity.
      startToCloseTimeout: '30m',
      heartbeatTimeout: '8s',
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 25 },
    },
  },
} as const satisfies Record<string, { queue: Queue; options: ActivityOptions }>;

export type Profile = keyof typeof PROFILES;

/** The activities of a family under one profile. Call it inside a workflow: the queue follows the workflow's own. */
export const useProfile = <Activities extends UntypedActivities>(
  profile: Profile,
): ActivityInterfaceFor<Activities> => {
  const { queue, options } = PROFILES[profile];
  return proxyActivities<Activities>({
    ...options,
    taskQueue: siblingQueue(workflowInfo().taskQueue, queue),
  });
};
