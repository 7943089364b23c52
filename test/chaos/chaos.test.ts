import { expect, test } from '@jest/globals';
import { runChaos } from './chaos.ts';

/** The seed is new each time and in the output of a failure: `npm run test:chaos -- --pipelines 12 --kills 1 --hits 1 --seed N`. */
const seed = Math.floor(Math.random() * 1_000_000);

test('twelve pipelines survive the death of every part and at every named point', async () => {
  const lines: string[] = [];
  const verdict = await runChaos({
    seed,
    pipelines: 12,
    kills: 1,
    hits: 1,
    minOpen: 4,
    window: 12,
    report: (line) => lines.push(line),
  }).catch((error: Error) => ({ passed: false, error }));
  expect(verdict.passed ? 'passed' : [...lines, verdict].join('\n')).toBe('passed');
}, 240_000);
