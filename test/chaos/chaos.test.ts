import { expect, test } from '@jest/globals';
import { runChaos } from './chaos.ts';

/** A new one each time, printed when the test fails: `npm run test:chaos -- --pipelines 12 --kills 1 --hits 1 --seed N`. */
const seed = Math.floor(Math.random() * 1_000_000);

test('twelve pipelines survive the death of every part and at every named point', async () => {
  const lines: string[] = [];
  const { passed } = await runChaos({
    seed,
    pipelines: 12,
    kills: 1,
    hits: 1,
    minOpen: 4,
    window: 12,
    paceMs: 2_000,
    limitMs: 180_000,
    report: (line) => lines.push(line),
  }).catch((error: Error) => ({ passed: lines.push(error.message) < 0 }));
  expect(passed ? 'passed' : lines.join('\n')).toBe('passed');
}, 300_000);
