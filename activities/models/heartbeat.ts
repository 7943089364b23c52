import { Context } from '@temporalio/activity';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { runEnded, type ActivityDeps } from '../runtime.ts';

const HEARTBEAT_MS = 500;

/**
 * Keeps the activity's heart beating while `work` runs; its signal aborts when the run is cancelled, at once by a hint from
 * whoever cancelled it, else by the next heartbeat.
 * @throws ApplicationFailure `run_ended` when the hint ended it; what `work` throws.
 */
export const withHeartbeat = async <T>(
  deps: ActivityDeps,
  input: RunInput,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  const cancelled = deps.cancellations.watch(input.run_id);
  try {
    return await work(AbortSignal.any([context.cancellationSignal, cancelled.signal]));
  } catch (error) {
    if (cancelled.signal.aborted && !context.cancellationSignal.aborted) throw runEnded();
    throw error;
  } finally {
    clearInterval(timer);
    cancelled.stop();
  }
};
