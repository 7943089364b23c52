import { describe, expect, test } from '@jest/globals';
import { compareCalls } from './calls.ts';
import type { VendorCall } from './double.ts';
import type { ModelStep } from './evidence.ts';
import { planDeeds } from './killer.ts';
import { createRandom } from './random.ts';

const call = (
  id: number,
  beganAt: number,
  endedAt: number,
  status: VendorCall['status'] = 'answered',
): VendorCall => ({ id, promptSha256: 'p', status, beganAt, endedAt });

const step = (facts: Partial<ModelStep>): ModelStep => ({
  runId: 'run',
  path: 'draft.0/0',
  status: 'completed',
  calls: 1,
  inDoubt: 0,
  promptSha256: 'p',
  committedAt: null,
  booked: 1,
  bookedInDoubt: 0,
  ...facts,
});

describe('the comparison of the vendor’s log with the database', () => {
  test('finds nothing where one call was answered and committed', () => {
    const facts = compareCalls([call(1, 1_000, 2_000)], [step({ committedAt: 2_010 })], []);
    expect(facts).toMatchObject({
      repeats: 0,
      inFlightAtKills: 0,
      afterCommit: [],
      unexplained: [],
      hidden: [],
    });
  });

  test('accepts a repeat of a call that was open at a kill', () => {
    const facts = compareCalls(
      [call(1, 1_000, 1_500, 'aborted'), call(2, 9_500, 10_000)],
      [step({ committedAt: 10_010, inDoubt: 1 })],
      [{ at: 1_500, part: 'worker' as const }],
    );
    expect(facts).toMatchObject({
      repeats: 1,
      inFlightAtKills: 1,
      afterCommit: [],
      unexplained: [],
      hidden: [],
    });
  });

  test('counts a call that was open at two kills once', () => {
    const kills = [
      { at: 1_200, part: 'worker' as const },
      { at: 1_600, part: 'worker' as const },
    ];
    const facts = compareCalls([call(1, 1_000, 2_000)], [step({ committedAt: 2_010 })], kills);
    expect(facts).toMatchObject({ inFlightAtKills: 1, inFlight: [1, 1] });
  });

  test('sees a call that began after its answer had been committed', () => {
    const facts = compareCalls(
      [call(1, 1_000, 2_000), call(2, 3_000, 4_000)],
      [step({ committedAt: 2_010, inDoubt: 1 })],
      [{ at: 2_500, part: 'worker' as const }],
    );
    expect(facts.afterCommit).toHaveLength(1);
  });

  test('sees a repeat that no kill explains', () => {
    const facts = compareCalls(
      [call(1, 1_000, 2_000), call(2, 3_000, 4_000)],
      [step({ committedAt: 4_010, inDoubt: 1 })],
      [{ at: 3_500, part: 'worker' as const }],
    );
    expect(facts.unexplained).toHaveLength(1);
  });

  test('does not hold the API’s death for an explanation', () => {
    const facts = compareCalls(
      [call(1, 1_000, 1_500, 'aborted'), call(2, 3_000, 4_000)],
      [step({ committedAt: 4_010, inDoubt: 1 })],
      [{ at: 1_500, part: 'api' }],
    );
    expect(facts.unexplained).toHaveLength(1);
  });

  test('sees a repeat that the database does not show as in doubt', () => {
    const facts = compareCalls(
      [call(1, 1_000, 1_500, 'aborted'), call(2, 3_000, 4_000)],
      [step({ committedAt: 4_010 })],
      [{ at: 1_500, part: 'worker' as const }],
    );
    expect(facts.hidden).toHaveLength(1);
  });

  test('sees calls without a step and steps without a call', () => {
    const facts = compareCalls([call(1, 1_000, 2_000)], [step({ promptSha256: 'q' })], []);
    expect(facts.foreign).toHaveLength(2);
  });
});

describe('the plan of the kills', () => {
  test('is the same for the same seed, and another for another', () => {
    const plan = (seed: number) => planDeeds(createRandom(seed), 5, 3);
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
  });

  test('has each part and each point as often as asked for', () => {
    const deeds = planDeeds(createRandom(7), 5, 3).map((deed) =>
      deed.kind === 'kill' ? deed.part : deed.point,
    );
    const counts = Object.fromEntries(
      [...Map.groupBy(deeds, (name) => name)].map(([name, all]) => [name, all.length]),
    );
    expect(counts).toEqual({
      worker: 5,
      api: 5,
      postgres: 5,
      temporal: 5,
      'answer/commit': 3,
      'answer/acknowledgement': 3,
      'commit/acknowledgement': 3,
      'outbox/start': 3,
    });
  });
});
