import { ApplicationFailure } from '@temporalio/common';
import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } from 'cockatiel';
import { modelFailure, withoutCall } from './errors.ts';

const FAILURES = 5;
const OPEN_MS = 30_000;
/** How long those wait who come while another call tries whether the provider is back. */
const TRIAL_MS = 5_000;

/** `half_open`: the next call, or the one under way, tries whether the provider is back. */
export interface CircuitStatus {
  readonly state: 'closed' | 'open' | 'half_open';
  /** ISO 8601: when a provider that is left alone is tried again. */
  readonly retryAt: string | null;
}

/** Leaves a provider alone for a while after it failed several times in a row. One for all models of a provider. */
export interface Circuit {
  /** @throws ApplicationFailure `model_unavailable` at once while the circuit is open; else what `call` throws. */
  run<T>(id: string, call: () => Promise<T>): Promise<T>;
  status(): CircuitStatus;
}

export interface CircuitOptions {
  /** Milliseconds that the circuit stays open. */
  readonly openMs?: number;
  readonly onChange?: (state: CircuitStatus['state']) => void;
}

const isOutage = (error: unknown): boolean =>
  error instanceof ApplicationFailure &&
  (error.type === 'model_unavailable' || error.type === 'model_stalled');

/** A circuit that five outages in a row open; rate limits and rejections are answers, and count as neither. */
export const createCircuit = ({ openMs = OPEN_MS, onChange }: CircuitOptions = {}): Circuit => {
  let openUntilMs = 0;
  const policy = circuitBreaker(
    // A caller who leaves or breaks in the middle of the trial has not shown that the provider is back.
    handleWhen(
      (error) =>
        isOutage(error) || (policy.state === CircuitState.HalfOpen && !(error instanceof ApplicationFailure)),
    ),
    { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(FAILURES) },
  );
  policy.onBreak(() => {
    openUntilMs = Date.now() + openMs;
    onChange?.('open');
  });
  policy.onHalfOpen(() => onChange?.('half_open'));
  policy.onReset(() => onChange?.('closed'));

  const refusal = (id: string): ApplicationFailure | null => {
    const leftMs = openUntilMs - Date.now();
    if (policy.state === CircuitState.HalfOpen)
      return modelFailure('model_unavailable', `${id} is being tried again after an outage`, TRIAL_MS);
    if (policy.state !== CircuitState.Open || leftMs <= 0) return null;
    const said = `${id} failed ${FAILURES} times in a row: it is tried again in ${Math.ceil(leftMs / 1000)} s`;
    return modelFailure('model_unavailable', said, leftMs);
  };

  return {
    run: async (id, call) => {
      const refused = refusal(id);
      if (refused) throw withoutCall(refused);
      return policy.execute(call);
    },
    status: () => {
      if (policy.state === CircuitState.Closed) return { state: 'closed', retryAt: null };
      const waits = policy.state === CircuitState.Open && openUntilMs > Date.now();
      return {
        state: waits ? 'open' : 'half_open',
        retryAt: waits ? new Date(openUntilMs).toISOString() : null,
      };
    },
  };
};
