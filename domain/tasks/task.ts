import type { RunStatus } from '../runs/run.ts';

/** `pending`: no run has begun. The rest follows the task's newest run, or a person's manual transition. */
export const TASK_STATUSES = ['pending', 'active', 'completed', 'failed', 'cancelled'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The words of the `/api/tasks` doors for a task's status. */
export const BRIEF_TASK_WORDS = ['pending', 'in_progress', 'completed', 'failed'] as const;
export type BriefTaskWord = (typeof BRIEF_TASK_WORDS)[number];

const WORD_OF: Record<TaskStatus, BriefTaskWord> = {
  pending: 'pending',
  active: 'in_progress',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'failed',
};

export const toBriefTaskWord = (status: TaskStatus): BriefTaskWord => WORD_OF[status];

/** The statuses that a document's word stands for, for filters and manual transitions. The first is the one to write. */
export const fromBriefTaskWord = (word: BriefTaskWord): readonly [TaskStatus, ...TaskStatus[]] => {
  const [first, ...rest] = TASK_STATUSES.filter((status) => WORD_OF[status] === word);
  if (first === undefined) throw new Error(`no task status is called ${word}`);
  return [first, ...rest];
};

export const taskStatusOfRun = (status: RunStatus): TaskStatus => {
  switch (status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
      return status;
    default:
      return 'active';
  }
};

export interface TaskCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
}

/** A part of a whole, rounded to two places, as the documents print 48/89 as 0.54; 0 of nothing. */
export const fraction = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((part / whole) * 100) / 100;

/** completed / total (48/89 = 0.54). */
export const completionRate = (counts: TaskCounts): number => fraction(counts.completed, counts.total);

/** completed / (completed + failed) (48/70 = 0.69). */
export const successRate = (counts: TaskCounts): number =>
  fraction(counts.completed, counts.completed + counts.failed);
