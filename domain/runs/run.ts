import { assertNever } from '../errors.ts';

export const RUN_STATUSES = [
  'queued',
  'running',
  'waiting',
  'paused',
  'completed',
  'failed',
  'cancelled',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** What has not ended: at most one such run may exist for one subject. */
export const LIVE_STATUSES = [
  'queued',
  'running',
  'waiting',
  'paused',
] as const satisfies readonly RunStatus[];
export const isLive = (status: RunStatus): boolean =>
  (LIVE_STATUSES as readonly RunStatus[]).includes(status);

/**
 * `restart` comes from the reconciler, for a run whose workflow is gone: the next attempt goes on from the stored steps.
 * Intents come from the API (`pause`, `resume`, `cancel`, `retry`), outcomes from the run's workflow (the others).
 * Only outcomes carry an attempt: an older attempt may not speak for a newer one.
 */
export type Transition =
  'begin' | 'wait' | 'proceed' | 'complete' | 'fail' | 'pause' | 'resume' | 'cancel' | 'retry' | 'restart';

export interface RunState {
  readonly status: RunStatus;
  /** The status to return to; set while `paused`. */
  readonly pausedFrom: RunStatus | null;
  readonly attempt: number;
}

export type Decision = { readonly to: RunState } | { readonly refused: 'status' | 'attempt' };

const to = (state: RunState, change: Partial<RunState>): Decision => ({ to: { ...state, ...change } });
const refused: Decision = { refused: 'status' };

/** While paused an outcome is kept, not dropped: the run returns to it on resume. */
const outcome = (state: RunState, from: readonly RunStatus[], next: RunStatus): Decision => {
  if (state.status === 'paused') return to(state, { pausedFrom: next });
  return from.includes(state.status) ? to(state, { status: next }) : refused;
};

const ended = (state: RunState, next: RunStatus): Decision =>
  isLive(state.status) ? to(state, { status: next, pausedFrom: null }) : refused;

/**
 * Whether a run in this state may make this transition, and the state after it.
 * @param attempt the attempt on whose behalf an outcome is reported; `null` for intents.
 */
export const decideTransition = (
  state: RunState,
  transition: Transition,
  attempt: number | null,
): Decision => {
  if (attempt !== null && attempt !== state.attempt) return { refused: 'attempt' };
  switch (transition) {
    case 'begin':
      return state.status === 'queued' ? to(state, { status: 'running' }) : refused;
    case 'wait':
      return outcome(state, ['running'], 'waiting');
    case 'proceed':
      return outcome(state, ['waiting'], 'running');
    case 'complete':
      return ended(state, 'completed');
    case 'fail':
      return ended(state, 'failed');
    case 'cancel':
      return ended(state, 'cancelled');
    case 'pause':
      return isLive(state.status) && state.status !== 'paused'
        ? to(state, { status: 'paused', pausedFrom: state.status })
        : refused;
    case 'resume':
      return state.status === 'paused'
        ? to(state, { status: state.pausedFrom ?? 'running', pausedFrom: null })
        : refused;
    case 'retry':
      return state.status === 'failed' || state.status === 'cancelled'
        ? to(state, { status: 'queued', pausedFrom: null, attempt: state.attempt + 1 })
        : refused;
    case 'restart':
      if (!isLive(state.status)) return refused;
      return state.status === 'paused'
        ? to(state, { pausedFrom: 'queued', attempt: state.attempt + 1 })
        : to(state, { status: 'queued', attempt: state.attempt + 1 });
    default:
      return assertNever(transition);
  }
};

/** The id of the Temporal workflow that carries one attempt of a run. Deterministic, so that a repeated start is one start. */
export const workflowIdOf = (run: { kind: string; id: string; attempt: number }): string =>
  `${run.kind}/${run.id}/${run.attempt}`;

/** The event stream of a run. */
export const runStream = (runId: string): string => `run:${runId}`;
