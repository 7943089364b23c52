import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requireFresh } from './incoming.ts';
import { nameFor, requireKnownEvents, WEBHOOK_EVENTS } from './events.ts';
import { thinPayload, type LoggedEvent } from './payload.ts';
import { answerTimeout, nextTry, retryAfter } from './schedule.ts';

const HOUR = 3_600_000;
const RUN = '0190163d-8694-739b-aea5-966c26f8ad90';
const TASK = '0190163d-8694-739b-aea5-966c26f8ad91';

describe('what an endpoint may ask for', () => {
  test.each(['*', 'run.*', 'task.*', ...WEBHOOK_EVENTS])('%s is known', (pattern) => {
    expect(() => requireKnownEvents([pattern])).not.toThrow();
  });

  test.each(['', 'run', 'run.', 'runs.*', '*.completed', 'task.exploded', 'webhook.test', 'ru*'])(
    '%j is refused by its place and name',
    (pattern) => {
      expect(() => requireKnownEvents(['*', pattern])).toThrow(
        `body.events.1: no event is called "${pattern}"`,
      );
    },
  );
});

describe('the name under which an event is told', () => {
  test.each([
    [['run.completed'], 'run.completed', false, 'run.completed'],
    [['run.*'], 'run.failed', true, 'run.failed'],
    [['*'], 'run.completed', true, 'run.completed'],
    [['task.completed', 'task.failed'], 'run.completed', true, 'task.completed'],
    [['task.completed', 'task.failed'], 'run.cancelled', true, 'task.failed'],
    [['task.*', 'run.completed'], 'run.completed', true, 'run.completed'],
    [['task.*'], 'run.completed', false, undefined],
    [['task.completed'], 'run.started', true, undefined],
    [['step.*'], 'run.started', true, undefined],
    [[], 'run.started', true, undefined],
  ])('%j is told of %s (task: %s) as %s', (patterns, type, isTask, name) => {
    expect(nameFor(patterns, { type, isTask })).toBe(name);
  });
});

describe('what is sent', () => {
  const event: LoggedEvent = {
    stream: `run:${RUN}`,
    seq: 9,
    pos: 40,
    type: 'run.cancelled',
    at: new Date('2026-01-02T03:04:05Z'),
    payload: {
      run_id: RUN,
      status: 'cancelled',
      attempt: 2,
      output: { text: 'a secret text' },
      error: { message: 'a secret reason' },
      reason: 'A sentence, that somebody wrote',
      other_id: 'not an id at all',
    },
    run: { id: RUN, subject_type: 'task', subject_id: TASK },
  };

  test('holds ids, states and links, and nothing of the content', () => {
    expect(thinPayload(event, 'task.failed', 'https://example.com')).toEqual({
      type: 'task.failed',
      timestamp: '2026-01-02T03:04:05.000Z',
      data: {
        run_id: RUN,
        task_id: TASK,
        status: 'cancelled',
        attempt: 2,
        outcome: 'cancelled',
        stream: `run:${RUN}`,
        seq: 9,
        links: {
          run: `https://example.com/api/v1/runs/${RUN}`,
          task: `https://example.com/api/tasks/${TASK}`,
        },
      },
    });
  });

  test('never holds a text of its payload, whatever its key', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 41 }), (key, text) => {
        const sent = thinPayload({ ...event, payload: { [key]: text } }, 'run.cancelled', '');
        expect(Object.values(sent['data'] as object)).not.toContain(text);
      }),
    );
  });
});

describe('the tries of one event', () => {
  const tries = (answerMs: number, retryAfterMs: number | null, scale: number): number[] => {
    const waits: number[] = [];
    let elapsed = 0;
    for (;;) {
      const wait = nextTry(waits.length + 1, elapsed, retryAfterMs, scale);
      if (wait === null) return waits;
      waits.push(wait);
      elapsed += wait + answerMs;
    }
  };

  test('grow apart and end within three days', () => {
    const waits = tries(15_000, null, 1);
    expect(waits.slice(0, 6)).toEqual([5_000, 30_000, 120_000, 600_000, 1_800_000, HOUR]);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    const total = waits.reduce((sum, wait) => sum + wait + 15_000, 0);
    expect(total).toBeGreaterThan(70 * HOUR);
    expect(total).toBeLessThan(72 * HOUR);
  });

  test('end within three days whatever the receiver asks for', () => {
    fc.assert(
      fc.property(fc.nat(30 * 24 * HOUR), fc.nat(15_000), (asked, answerMs) => {
        const waits = tries(answerMs, asked, 1);
        expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(72 * HOUR);
        expect(waits.length).toBeGreaterThan(0);
      }),
    );
  });

  test('wait for as long as the receiver asks, up to six hours', () => {
    expect(nextTry(1, 0, 90_000, 1)).toBe(90_000);
    expect(nextTry(1, 0, 100 * HOUR, 1)).toBe(6 * HOUR);
    expect(nextTry(1, 0, 1_000, 1)).toBe(5_000);
  });

  test('pass faster in tests, in the same proportions', () => {
    expect(tries(0, null, 0.01)).toEqual(tries(0, null, 1).map((wait) => wait * 0.01));
    expect(answerTimeout(1)).toBe(15_000);
    expect(answerTimeout(0.0001)).toBe(500);
  });

  test.each([
    ['120', 120_000],
    ['Fri, 02 Jan 2026 03:05:05 GMT', 60_000],
    ['Fri, 02 Jan 2026 03:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    [undefined, null],
  ])('Retry-After: %s means %s ms', (header, ms) => {
    expect(retryAfter(header, new Date('2026-01-02T03:04:05Z'))).toBe(ms);
  });
});

test('what comes in must be five minutes old at most', () => {
  const now = new Date('2026-01-02T03:04:05Z');
  const off = (ms: number) => new Date(now.getTime() + ms);
  for (const ms of [0, 300_000, -300_000]) expect(() => requireFresh(off(ms), now)).not.toThrow();
  for (const ms of [300_001, -300_001])
    expect(() => requireFresh(off(ms), now)).toThrow('within five minutes');
});
