import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decideTransition, isLive, RUN_STATUSES, type RunState, type Transition } from './run.ts';

const TRANSITIONS: readonly Transition[] = [
  'begin',
  'wait',
  'proceed',
  'complete',
  'fail',
  'pause',
  'resume',
  'cancel',
  'retry',
  'restart',
];

const states = fc
  .record({
    status: fc.constantFrom(...RUN_STATUSES),
    attempt: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ status, attempt }) =>
    fc.record({
      status: fc.constant(status),
      attempt: fc.constant(attempt),
      pausedFrom:
        status === 'paused'
          ? fc.constantFrom('queued' as const, 'running' as const, 'waiting' as const)
          : fc.constant(null),
    }),
  );

const after = (state: RunState, ...transitions: Transition[]): RunState =>
  transitions.reduce((current, transition) => {
    const decision = decideTransition(current, transition, null);
    if ('refused' in decision) throw new Error(`${transition} was refused in ${current.status}`);
    return decision.to;
  }, state);

const queued: RunState = { status: 'queued', pausedFrom: null, attempt: 1 };

describe('a run', () => {
  test.each([
    [['begin'], 'running'],
    [['begin', 'wait'], 'waiting'],
    [['begin', 'wait', 'proceed', 'complete'], 'completed'],
    [['begin', 'fail', 'retry'], 'queued'],
    [['cancel', 'retry'], 'queued'],
    [['pause', 'resume'], 'queued'],
    [['begin', 'pause', 'resume'], 'running'],
    [['begin', 'wait', 'pause', 'resume'], 'waiting'],
  ] as [Transition[], string][])('goes through %j to %s', (transitions, status) => {
    expect(after(queued, ...transitions).status).toBe(status);
  });

  test('keeps an outcome that comes while it is paused', () => {
    expect(after(queued, 'begin', 'pause', 'wait', 'resume').status).toBe('waiting');
    expect(after(queued, 'begin', 'pause', 'complete').status).toBe('completed');
  });

  test('that has ended stays ended, but for another attempt', () => {
    fc.assert(
      fc.property(states, fc.constantFrom(...TRANSITIONS), (state, transition) => {
        fc.pre(!isLive(state.status));
        const decision = decideTransition(state, transition, null);
        if ('to' in decision) expect([transition, decision.to.attempt]).toEqual(['retry', state.attempt + 1]);
      }),
    );
  });

  test('listens to no attempt but its own', () => {
    fc.assert(
      fc.property(
        states,
        fc.constantFrom(...TRANSITIONS),
        fc.integer({ min: 1, max: 5 }),
        (state, transition, attempt) => {
          fc.pre(attempt !== state.attempt);
          expect(decideTransition(state, transition, attempt)).toEqual({ refused: 'attempt' });
        },
      ),
    );
  });

  test('remembers where it was exactly while it is paused', () => {
    fc.assert(
      fc.property(states, fc.constantFrom(...TRANSITIONS), (state, transition) => {
        const decision = decideTransition(state, transition, null);
        if ('to' in decision) expect(decision.to.pausedFrom !== null).toBe(decision.to.status === 'paused');
      }),
    );
  });

  test('counts attempts only upwards', () => {
    fc.assert(
      fc.property(states, fc.constantFrom(...TRANSITIONS), (state, transition) => {
        const decision = decideTransition(state, transition, null);
        if ('to' in decision) expect(decision.to.attempt).toBeGreaterThanOrEqual(state.attempt);
      }),
    );
  });
});
