import { runStream } from '../../domain/runs/run.ts';

/** Who is told of runs that were cancelled: by the names of their streams, or `null` after some may have been missed. */
export type CancelledRuns = (listener: (streams: readonly string[] | null) => void) => void;

/** Tells work under way that its run was cancelled, before Temporal's next heartbeat does. */
export interface Cancellations {
  /** @returns a signal that aborts when the run is cancelled, and how to stop listening. */
  watch(runId: string): { readonly signal: AbortSignal; readonly stop: () => void };
}

/** A hint that is lost costs a heartbeat: the workflow cancels its activities too. */
export const createCancellations = (onCancelled: CancelledRuns): Cancellations => {
  const watched = new Map<string, Set<AbortController>>();
  onCancelled((streams) => {
    for (const stream of streams ?? [])
      for (const controller of watched.get(stream) ?? [])
        controller.abort(new Error('The run was cancelled'));
  });
  return {
    watch: (runId) => {
      const stream = runStream(runId);
      const controller = new AbortController();
      const group = watched.get(stream) ?? new Set();
      watched.set(stream, group.add(controller));
      const stop = (): void => {
        group.delete(controller);
        if (group.size === 0) watched.delete(stream);
      };
      return { signal: controller.signal, stop };
    },
  };
};
