import { invalid } from '../../../domain/errors.ts';
import { periodOf, WORKFLOW_NAMES, type Period } from '../../../domain/runs/history.ts';
import {
  readExecutionFigures,
  readExecutionPercentiles,
  readFlow,
  readStepFigures,
} from '../../../store/runs/history.figures.ts';
import {
  historyListing,
  listGates,
  listStoredSteps,
  requireExecution,
  requireWorkflow,
  workflowListing,
} from '../../../store/runs/history.queries.ts';
import { defineHandlers, type Input } from '../../http/operation.ts';
import { item, list } from '../../http/resource.ts';
import { timeAt } from '../../http/wire.ts';
import { performanceView, statisticsView } from './figures.view.ts';
import { detailsView, executionView } from './history.view.ts';

const STATISTICS_PERIOD = { days: 30, maxDays: 366 };
/** Steps are many times as many as runs. */
const PERFORMANCE_PERIOD = { days: 1, maxDays: 31 };

const periodIn = (query: { since?: string; until?: string }, rule: typeof STATISTICS_PERIOD): Period =>
  periodOf({ since: timeAt('since', query.since), until: timeAt('until', query.until) }, new Date(), rule);

const nameIn = (name: string | undefined): string | undefined => {
  if (name !== undefined && !WORKFLOW_NAMES.includes(name))
    throw invalid('query.workflow_name', `must be one of ${WORKFLOW_NAMES.join(', ')}`);
  return name;
};

const listHistory = list({
  path: '/api/workflow/history',
  view: executionView,
  listing: (query: Input<'listWorkflowHistory'>['query']) =>
    historyListing({
      workflowName: nameIn(query.workflow_name),
      status: query.status,
      startedAfter: timeAt('started_after', query.started_after),
      startedBefore: timeAt('started_before', query.started_before),
    }),
});

export const historyHandlers = () =>
  defineHandlers({
    listWorkflowHistory: async (input, ctx) => {
      const page = await listHistory(input, ctx);
      return { ...page, executions: page.items };
    },

    getWorkflowDetails: item(
      'execution_id',
      async (db, id) => ({
        run: await requireExecution(db, id),
        steps: await listStoredSteps(db, id),
        gates: await listGates(db, id),
      }),
      detailsView,
    ),

    getWorkflowStatistics: ({ query }, ctx) => {
      const period = periodIn(query, STATISTICS_PERIOD);
      return ctx.read(async (db) =>
        statisticsView(
          period,
          await readExecutionFigures(db, period),
          await readExecutionPercentiles(db, period),
        ),
      );
    },

    getPerformanceMetrics: ({ query }, ctx) => {
      const period = periodIn(query, PERFORMANCE_PERIOD);
      return ctx.read(async (db) =>
        performanceView(period, await readStepFigures(db, period), await readFlow(db, period)),
      );
    },

    listExecutionsOfWorkflow: async ({ params, query }, ctx) => {
      const { workflow_id: id } = params;
      const subject = await ctx.read((db) => requireWorkflow(db, id));
      const path = `/api/workflow/${id}/history`;
      const page = await list({ path, view: executionView, listing: () => workflowListing(subject) })(
        { query },
        ctx,
      );
      return { ...page, workflow_id: id, executions: page.items };
    },
  });
