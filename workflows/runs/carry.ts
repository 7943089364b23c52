import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  patched,
  setHandler,
  TemporalFailure,
} from '@temporalio/workflow';
import type { RunActivities } from '../../activities/runs/index.ts';
import type { JsonObject } from '../../domain/json.ts';
import { useWrites } from '../profiles.ts';
import { isHeld, RUN_ENDED, type Held } from '../../domain/runs/held.ts';
import type { RunInput } from './messages.ts';

/** Says that rows changed which this run reads. It carries nothing: what it missed, the rows still hold. */
const poke = defineSignal('poke');

/** The database's clock may be a little behind this one: what is due by ours may not be by its own. */
const MIN_WAIT_MS = 250;

export interface Carrier {
  /** Does a step of the run; while the run is paused, waits for the next poke and asks again. */
  step<T>(work: () => Promise<T | Held>): Promise<T>;
  /** Waits for the next poke after this call began, or until `timeoutMs` have passed. */
  nextPoke(seen: number, timeoutMs: number | null): Promise<void>;
  /** How many pokes have come: read it before looking at rows, so that none is missed in between. */
  pokes(): number;
}

const failureOf = (error: unknown): { code: string; message: string } => {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'failed', message: cause.message };
  return { code: 'failed', message: cause instanceof Error ? cause.message : String(cause) };
};

/** What a run was asked to do; small, and the same for each of its attempts. */
export type Asked = JsonObject;

/**
 * Carries one attempt of a run from `begin` to its outcome: the frame that every kind of run shares. Whatever ends the
 * body — its result, a failure, a cancellation from Temporal's own tools — is reported once; an attempt whose run has
 * ended already (cancelled through the API, or carried on by a newer attempt) ends without effect.
 * @param body does the work; answers the run's output, or `null` when its last step has completed the run.
 */
export const carryRun = async (
  input: RunInput,
  body: (carrier: Carrier, asked: Asked) => Promise<JsonObject | null>,
): Promise<void> => {
  // Runs that began before this was so have a history of queued ones.
  const runs = useWrites<RunActivities>(patched('writes-here') ? 'here' : 'queued');
  let pokes = 0;
  setHandler(poke, () => void pokes++);
  const carrier: Carrier = {
    pokes: () => pokes,
    nextPoke: async (seen, timeoutMs) => {
      if (timeoutMs === null) await condition(() => pokes > seen);
      else await condition(() => pokes > seen, Math.max(timeoutMs, MIN_WAIT_MS));
    },
    step: async (work) => {
      for (;;) {
        const seen = pokes;
        const answer = await work();
        if (!isHeld(answer)) return answer;
        await carrier.nextPoke(seen, null);
      }
    },
  };
  try {
    const begun = await carrier.step(() => runs.beginRun('Begin', input));
    const output = await body(carrier, begun.asked);
    if (output !== null) await runs.completeRun('Complete', { ...input, output });
  } catch (error) {
    // Anything else is a mistake in this code: the task waits for the version that mends it.
    if (!(error instanceof TemporalFailure)) throw error;
    const failure = failureOf(error);
    if (failure.code === RUN_ENDED) return;
    await CancellationScope.nonCancellable(async () => {
      if (isCancellation(error)) await runs.cancelRun('Cancel', input);
      else await runs.failRun(`Fail: ${failure.code}`, { ...input, error: failure });
    });
    throw error;
  }
};
