import { QUEUES, type Queue } from '../workflows/queues.ts';

/** The queues with these names, all for `null`. @throws Error naming TASKLOOM_QUEUES for a name that is none. */
export const chooseQueues = (names: readonly string[] | null): readonly Queue[] => {
  if (names === null) return QUEUES;
  const unknown = names.filter((name) => !QUEUES.some((queue) => queue === name));
  if (unknown.length > 0 || names.length === 0)
    throw new Error(
      `TASKLOOM_QUEUES must name some of ${QUEUES.join(', ')}, separated by commas, but is "${names.join(',')}"`,
    );
  return QUEUES.filter((queue) => names.includes(queue));
};
