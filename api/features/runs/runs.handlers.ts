import { budgetOfRun } from '../../../store/budgets/budgets.repository.ts';
import { cancelApprovals } from '../../../store/approvals/approvals.ts';
import { runStream, workflowIdOf } from '../../../domain/runs/run.ts';
import { readStream } from '../../../store/live/events.ts';
import { countRunsByStatus, listSteps, requireRun, runListing } from '../../../store/runs/runs.repository.ts';
import type { RunRow } from '../../../store/runs/run.rows.ts';
import { enqueueStart } from '../../../store/runs/start.ts';
import { applyIntent, poke } from '../../../store/runs/transition.ts';
import type { Writer } from '../../../store/store.ts';
import type { Context } from '../../http/context.ts';
import { defineHandlers, eventStream, type Input } from '../../http/operation.ts';
import { item, list } from '../../http/resource.ts';
import { eventView } from '../../live/event.view.ts';
import { resumePoint, wantsEventStream } from '../../live/resume.ts';
import type { Live } from '../../live/live.ts';
import { budgetView, runView, stepView } from './runs.view.ts';

export interface RunDeps {
  readonly uiUrl: string | null;
  readonly live: Live;
}

type Intent = 'pause' | 'resume' | 'cancel' | 'retry';

/** What follows from each intent besides the row and its event. */
const FOLLOW: Record<Intent, (tx: Writer, after: RunRow) => Promise<void> | void> = {
  // Nothing to tell the workflow: it finds the row paused at its next step.
  pause: () => {},
  resume: (tx, run) => poke(tx, run),
  cancel: async (tx, run) => {
    await cancelApprovals(tx, run.id);
    tx.enqueue({ workflowId: workflowIdOf(run), kind: 'cancel', payload: {} });
  },
  retry: (tx, run) => enqueueStart(tx, run),
};

const intent =
  (transition: Intent, view: ReturnType<typeof runView>) =>
  ({ params }: { params: { run_id: string } }, ctx: Context) =>
    ctx.write(async (tx) => {
      const { after } = await applyIntent(tx, params.run_id, transition);
      await FOLLOW[transition](tx, after);
      return view(after);
    });

export const runHandlers = ({ uiUrl, live }: RunDeps) => {
  const view = runView(uiUrl);
  const listRuns = list({
    path: '/api/v1/runs',
    view,
    listing: (query: Input<'listRuns'>['query']) =>
      runListing({ ...query, createdAfter: query.created_after, createdBefore: query.created_before }),
  });
  return defineHandlers({
    listRuns: async (input, ctx) => {
      const [page, byStatus] = await Promise.all([
        listRuns(input, ctx),
        ctx.read((db) => countRunsByStatus(db, input.query.kind)),
      ]);
      return { ...page, by_status: byStatus };
    },
    getRun: item(
      'run_id',
      async (db, id) => ({
        run: await requireRun(db, id),
        steps: await listSteps(db, id),
        budget: await budgetOfRun(db, id),
      }),
      ({ run, steps, budget }) => ({
        ...view(run),
        steps: steps.map(stepView),
        budget: budget ? budgetView(budget) : null,
      }),
    ),
    cancelRun: intent('cancel', view),
    pauseRun: intent('pause', view),
    resumeRun: intent('resume', view),
    retryRun: intent('retry', view),

    listRunEvents: async ({ params, query }, ctx) => {
      const stream = runStream(params.run_id);
      const after = resumePoint(ctx, query.after);
      const limit = query.limit ?? 100;
      const rows = await ctx.read(async (db) => {
        await requireRun(db, params.run_id);
        return readStream(db, stream, after, limit + 1);
      });
      if (wantsEventStream(ctx)) return eventStream((sink) => live.follow(ctx, sink, { stream, after }));
      const items = rows.slice(0, limit).map((row) => eventView(row, false));
      return { items, next_after: items.at(-1)?.seq ?? after, has_more: rows.length > limit };
    },
  });
};
