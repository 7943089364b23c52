import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  TemporalFailure,
  workflowInfo,
  type ActivityInterfaceFor,
  type UntypedActivities,
} from '@temporalio/workflow';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/common';
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
  /** One request to somebody else's server. Whether and when there is another, the database says. */
  delivery: {
    queue: 'webhooks',
    options: {
      // Fifteen seconds for the receiver, and what the database takes before and after.
      startToCloseTimeout: '20s',
      retry: { maximumAttempts: 1 },
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

/** A transaction of a few milliseconds, done where the workflow is. It may be tried thrice there: longer troubles would hold the workflow task. */
const ON_THE_SPOT: LocalActivityOptions = {
  startToCloseTimeout: '10s',
  retry: { initialInterval: '50ms', backoffCoefficient: 4, maximumAttempts: 3 },
};

/** What the domain refused stays refused, and a cancellation is one; all else may pass, elsewhere and later. */
const mayPass = (error: unknown): boolean => {
  // A local activity's failure comes as it is, a queued one's inside an ActivityFailure.
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const isRefusal = cause instanceof ApplicationFailure && cause.nonRetryable === true;
  return error instanceof TemporalFailure && !isCancellation(error) && !isRefusal;
};

/** What a step on the database takes: what Temporal's Web UI shows, and the activity's arguments. */
export type Writes<Activities extends UntypedActivities> = {
  readonly [Name in keyof Activities]: Activities[Name] extends (...args: infer Args) => Promise<infer Answer>
    ? (summary: string, ...args: Args) => Promise<Answer>
    : never;
};

/**
 * The short database activities of a family. `here` they are local activities, which cost no way through Temporal's
 * queues; what fails there goes on as a `write`, which is tried until it is done.
 */
export const useWrites = <Activities extends UntypedActivities>(
  where: 'here' | 'queued' = 'here',
): Writes<Activities> => {
  const here = proxyLocalActivities(ON_THE_SPOT);
  const queued = useProfile<UntypedActivities>('write');
  const write =
    (name: string) =>
    async (summary: string, ...args: unknown[]): Promise<unknown> => {
      try {
        if (where === 'here') return await here[name]?.executeWithOptions({ summary }, args);
      } catch (error) {
        if (!mayPass(error)) throw error;
      }
      return queued[name]?.executeWithOptions({ summary }, args);
    };
  return new Proxy({}, { get: (_, name) => write(String(name)) }) as Writes<Activities>;
};
