import { ApplicationFailure } from '@temporalio/common';
import { DomainError } from '../domain/errors.ts';
import { workerPrincipal } from '../domain/identity/principal.ts';
import type { ReachCrashPoint } from '../platform/crash-points.ts';
import type { Log } from '../platform/logger.ts';
import type { WebhookSender } from '../platform/webhook-sender.ts';
import type { Store, Writer } from '../store/store.ts';
import type { RunRow } from '../store/runs/run.rows.ts';
import { gate } from '../store/runs/steps.ts';
import { lockRun } from '../store/runs/transition.ts';
import { HELD, RUN_ENDED, type Held } from '../domain/runs/held.ts';
import type { RunInput } from '../workflows/runs/messages.ts';
import type { Cancellations } from './runs/cancellations.ts';
import type { Vendors } from './vendors.ts';

/** What activities are made of. */
export interface ActivityDeps extends Vendors {
  readonly store: Store;
  readonly cancellations: Cancellations;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
  readonly webhooks: {
    readonly sender: WebhookSender;
    /** How fast their waiting passes: 1 but in tests. */
    readonly timeScale: number;
  };
  /** Where the API and the site answer, without a slash at its end. */
  readonly publicUrl: string;
}

/** This attempt has nothing left to do: its run has ended, or a newer attempt carries it. */
export const runEnded = (): ApplicationFailure =>
  ApplicationFailure.nonRetryable('This attempt of the run has ended.', RUN_ENDED);

/** What the domain refuses stays refused, however often it is tried; anything else may pass. */
const toFailure = (error: unknown): unknown =>
  error instanceof DomainError ? ApplicationFailure.nonRetryable(error.message, error.code) : error;

/** A transaction on behalf of a run's workspace. @throws ApplicationFailure, non-retryable, for a DomainError. */
export const writeForRun = async <T>(
  deps: ActivityDeps,
  input: RunInput,
  fn: (tx: Writer) => Promise<T>,
): Promise<T> => {
  try {
    const result = await deps.store.write(workerPrincipal(input.workspace_id), fn);
    deps.reach('commit/acknowledgement');
    return result;
  } catch (error) {
    throw toFailure(error);
  }
};

/** A database step of a run: held while the run is paused, refused when it has ended, else done under the run's lock. */
export const stepForRun = <T>(
  deps: ActivityDeps,
  input: RunInput,
  fn: (tx: Writer, run: RunRow) => Promise<T>,
): Promise<T | Held> =>
  writeForRun(deps, input, async (tx) => {
    const run = await lockRun(tx, input.run_id);
    const verdict = gate(run, input.attempt);
    if (verdict === 'refused') throw runEnded();
    return verdict === 'held' ? HELD : fn(tx, run);
  });
