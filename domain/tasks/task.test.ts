import { describe, expect, test } from '@jest/globals';
import {
  BRIEF_TASK_WORDS,
  completionRate,
  fromBriefTaskWord,
  successRate,
  TASK_STATUSES,
  taskStatusOfRun,
  toBriefTaskWord,
} from './task.ts';

describe('the rates', () => {
  // The printed example of these figures: 48 completed, 22 failed, 19 pending of 89.
  const printed = { total: 89, completed: 48, failed: 22 };
  test('are those that the document prints', () => {
    expect(completionRate(printed)).toBe(0.54);
    expect(successRate(printed)).toBe(0.69);
  });
  test('of nothing are zero', () => {
    expect(completionRate({ total: 0, completed: 0, failed: 0 })).toBe(0);
    expect(successRate({ total: 5, completed: 0, failed: 0 })).toBe(0);
  });
});

describe('the words for a status', () => {
  test('cover every status once', () => {
    expect(BRIEF_TASK_WORDS.flatMap((word) => [...fromBriefTaskWord(word)]).toSorted()).toEqual(
      [...TASK_STATUSES].toSorted(),
    );
    for (const status of TASK_STATUSES) expect(fromBriefTaskWord(toBriefTaskWord(status))).toContain(status);
  });
  test('follow the run', () => {
    expect(
      ['queued', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'].map((status) =>
        toBriefTaskWord(taskStatusOfRun(status as 'queued')),
      ),
    ).toEqual(['in_progress', 'in_progress', 'in_progress', 'in_progress', 'completed', 'failed', 'failed']);
  });
});
