import { describe, expect, test } from '@jest/globals';
import { until } from '../../test/harness/until.ts';
import { createCircuit, type Circuit } from './circuit.ts';
import { modelFailure } from './errors.ts';
import { failureOf } from './subject.testsuite.ts';

const ID = 'vendor:model';
const OPEN_MS = 100;

const down = (): Promise<never> => Promise.reject(modelFailure('model_unavailable', 'down'));
const stalled = (): Promise<never> => Promise.reject(modelFailure('model_stalled', 'silent'));
const limited = (): Promise<never> => Promise.reject(modelFailure('model_rate_limited', 'slow down'));

/** A circuit that was opened, and whose pause is over. */
const halfOpen = async (): Promise<{ circuit: Circuit; states: string[] }> => {
  const states: string[] = [];
  const circuit = createCircuit({ openMs: OPEN_MS, onChange: (state) => states.push(state) });
  for (const call of [down, stalled, down, stalled, down]) await failureOf(circuit.run(ID, call));
  await until(async () => circuit.status().state === 'half_open', 'the end of the pause');
  return { circuit, states };
};

describe('a circuit', () => {
  test('opens after five outages in a row, of either kind', async () => {
    const circuit = createCircuit();
    for (const call of [down, stalled, down, stalled]) await failureOf(circuit.run(ID, call));
    expect(circuit.status()).toEqual({ state: 'closed', retryAt: null });
    await failureOf(circuit.run(ID, down));
    const { state, retryAt } = circuit.status();
    expect(state).toBe('open');
    expect(Date.parse(retryAt ?? '') - Date.now()).toBeGreaterThan(29_000);
  });

  test('starts to count again after an answer, and not after a limit', async () => {
    const circuit = createCircuit();
    for (const call of [down, down, down, down]) await failureOf(circuit.run(ID, call));
    await circuit.run(ID, async () => 'answer');
    for (const call of [down, down, limited, down, down]) await failureOf(circuit.run(ID, call));
    expect(circuit.status().state).toBe('closed');
    await failureOf(circuit.run(ID, down));
    expect(circuit.status().state).toBe('open');
  });

  test('refuses at once while open, for as long as the rest of the pause', async () => {
    const circuit = createCircuit();
    for (const call of [down, down, down, down, down]) await failureOf(circuit.run(ID, call));
    let called = false;
    const refused = await failureOf(circuit.run(ID, async () => (called = true)));
    expect(called).toBe(false);
    expect(refused).toMatchObject({ type: 'model_unavailable', nonRetryable: false });
    expect(Number(refused.nextRetryDelay)).toBeGreaterThan(29_000);
    expect(Number(refused.nextRetryDelay)).toBeLessThanOrEqual(30_000);
  });

  test('lets one call try, refuses others meanwhile, and closes when it is answered', async () => {
    const { circuit, states } = await halfOpen();
    let answer = (): void => undefined;
    const trial = circuit.run(ID, () => new Promise<void>((resolve) => (answer = resolve)));
    const refused = await failureOf(circuit.run(ID, async () => 'too early'));
    expect(refused.type).toBe('model_unavailable');
    expect(Number(refused.nextRetryDelay)).toBeGreaterThan(0);
    answer();
    await trial;
    expect(circuit.status().state).toBe('closed');
    expect(states).toEqual(['open', 'half_open', 'closed']);
  });

  test('opens again when the trial fails', async () => {
    const { circuit } = await halfOpen();
    await failureOf(circuit.run(ID, down));
    expect(circuit.status().state).toBe('open');
  });

  test('closes when the trial is answered with a limit: the provider is back', async () => {
    const { circuit } = await halfOpen();
    await failureOf(circuit.run(ID, limited));
    expect(circuit.status().state).toBe('closed');
  });

  test('does not take a caller who leaves in the trial for an answer', async () => {
    const { circuit } = await halfOpen();
    const reason = new Error('cancelled');
    await expect(circuit.run(ID, () => Promise.reject(reason))).rejects.toBe(reason);
    expect(circuit.status().state).toBe('open');
  });

  test('counts no caller who leaves while it is closed', async () => {
    const circuit = createCircuit();
    for (let count = 0; count < 6; count += 1)
      await circuit.run(ID, () => Promise.reject(new Error('cancelled'))).catch(() => undefined);
    expect(circuit.status().state).toBe('closed');
  });
});
