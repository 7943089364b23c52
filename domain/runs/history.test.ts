import { describe, expect, test } from '@jest/globals';
import { endedStatuses, executionWord, perMinute, periodOf, WORKFLOW_NAMES } from './history.ts';
import { isLive, RUN_STATUSES } from './run.ts';

const now = new Date('2026-03-31T12:00:00Z');
const at = (text: string): Date => new Date(text);
const RULE = { days: 30, maxDays: 366 };

describe('the word for a run', () => {
  test('covers every status, and those of ended runs are found by it', () => {
    for (const status of RUN_STATUSES) {
      const word = executionWord(status);
      expect(word === 'in_progress').toBe(isLive(status));
      if (word !== 'in_progress') expect(endedStatuses(word)).toContain(status);
    }
    expect(endedStatuses()).toEqual(['completed', 'failed', 'cancelled']);
    expect(endedStatuses('success')).toEqual(['completed']);
  });

  test('names the pipeline by what was asked of it, other kinds by themselves', () => {
    expect(WORKFLOW_NAMES).toEqual(expect.arrayContaining(['content_creation', 'optimization', 'analysis']));
    expect(WORKFLOW_NAMES).not.toContain('content');
  });
});

describe('a period', () => {
  test('is the last days when nobody says', () => {
    expect(periodOf({}, now, RULE)).toEqual({ since: at('2026-03-01T12:00:00Z'), until: now });
  });
  test('counts its days back from its end', () => {
    const until = at('2026-02-10T00:00:00Z');
    expect(periodOf({ until }, now, RULE)).toEqual({ since: at('2026-01-11T00:00:00Z'), until });
  });
  test('does not reach into the future', () => {
    const since = at('2026-03-30T00:00:00Z');
    expect(periodOf({ since, until: at('2027-01-01T00:00:00Z') }, now, RULE)).toEqual({ since, until: now });
  });
  test.each([
    ['empty', { since: at('2026-03-01T00:00:00Z'), until: at('2026-03-01T00:00:00Z') }],
    ['turned round', { since: at('2026-03-02T00:00:00Z'), until: at('2026-03-01T00:00:00Z') }],
    ['in the future', { since: at('2026-04-01T00:00:00Z') }],
    ['too long', { since: at('2025-03-30T11:59:59Z') }],
  ])('that is %s is refused', (_how, asked) => {
    expect(() => periodOf(asked, now, RULE)).toThrow('query.since');
  });
});

describe('a rate per minute', () => {
  const hour = { since: at('2026-03-31T11:00:00Z'), until: now };
  test('is the count by the minutes of the period', () => {
    expect(perMinute(90, hour)).toBe(1.5);
    expect(perMinute(0, hour)).toBe(0);
  });
  test('of one a month is not nothing', () => {
    expect(perMinute(1, periodOf({}, now, RULE))).toBe(0.000023);
  });
});
