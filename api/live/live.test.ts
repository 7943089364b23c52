import { expect, test } from '@jest/globals';
import { lookAgainIn } from './live.ts';

const DAY = 86_400_000;

// A timer that is given more than 24 days, or no end, fires at once: again and again.
test.each([
  ['has ended', -1, 50],
  ['ends soon', 1_000, 1_050],
  ['ends in a month', 30 * DAY, 3_600_000],
  ['has no end', Number.POSITIVE_INFINITY, 3_600_000],
])('a session that %s is looked at in time, and not all the time', (_, left, ms) => {
  expect(lookAgainIn(1_700_000_000_000 + left, 1_700_000_000_000)).toBe(ms);
});
