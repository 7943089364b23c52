import type { JsonObject } from '../../domain/json.ts';
import { cancelApprovals } from '../../store/approvals/approvals.ts';
import { lockRun, reportOutcome } from '../../store/runs/transition.ts';
import { HELD, type Held } from '../../domain/runs/held.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { runEnded, writeForRun, type ActivityDeps } from '../runtime.ts';

/** What every run reports, whatever its kind. Each may be repeated: a repeated report finds what it stored. */
export const createRunActivities = (deps: ActivityDeps) => ({
  /** Accepts a run that is queued, or begun by this attempt; holds while it is paused; refuses all else. */
  beginRun: (input: RunInput): Promise<Held | { asked: JsonObject }> =>
    writeForRun(deps, input, async (tx) => {
      const run = await lockRun(tx, input.run_id);
      if (run.attempt === input.attempt && run.status === 'paused' && run.paused_from === 'queued')
        return HELD;
      const status = await reportOutcome(tx, run, 'run', { transition: 'begin', attempt: input.attempt });
      if (status === undefined) throw runEnded();
      return { asked: run.input };
    }),

  completeRun: (input: RunInput & { output: JsonObject }): Promise<void> =>
    writeForRun(deps, input, async (tx) => {
      const run = await lockRun(tx, input.run_id);
      await reportOutcome(tx, run, 'run', {
        transition: 'complete',
        attempt: input.attempt,
        output: input.output,
      });
    }),

  failRun: (input: RunInput & { error: { code: string; message: string } }): Promise<void> =>
    writeForRun(deps, input, async (tx) => {
      const run = await lockRun(tx, input.run_id);
      const { code, message } = input.error;
      const error = { code, message: message.slice(0, 1_000) };
      const status = await reportOutcome(tx, run, 'run', {
        transition: 'fail',
        attempt: input.attempt,
        error,
      });
      if (status === 'failed') await cancelApprovals(tx, run.id);
    }),

  /** For a cancellation that began in Temporal's own tools; one from the API is in the row already. */
  cancelRun: (input: RunInput): Promise<void> =>
    writeForRun(deps, input, async (tx) => {
      const run = await lockRun(tx, input.run_id);
      const status = await reportOutcome(tx, run, 'run', { transition: 'cancel', attempt: input.attempt });
      if (status === 'cancelled') await cancelApprovals(tx, run.id);
    }),
});

export type RunActivities = ReturnType<typeof createRunActivities>;
