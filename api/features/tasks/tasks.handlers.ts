import type { JsonObject } from '../../../domain/json.ts';
import { completionRate, fromBriefTaskWord, successRate } from '../../../domain/tasks/task.ts';
import { startPipeline } from '../../../store/content/pipeline.ts';
import { newestFirst, type Order } from '../../../store/page.ts';
import { sql } from '../../../store/sql.ts';
import {
  createTask,
  readTaskTotals,
  requireTask,
  TASK_COLUMNS,
  type TaskRow,
} from '../../../store/tasks/tasks.repository.ts';
import { defineHandlers, type Input } from '../../http/operation.ts';
import { item, list } from '../../http/resource.ts';
import { changeTask } from './tasks.flows.ts';
import { taskView } from './tasks.view.ts';

const ORDERS: Record<'created_at' | 'updated_at' | 'status', Order[]> = {
  created_at: newestFirst('t'),
  updated_at: newestFirst('t', 'updated_at'),
  status: [{ column: sql`t.status`, type: 'text', descending: false }, ...newestFirst('t')],
};

const listTasks = list({
  path: '/api/tasks',
  view: (row: TaskRow) => taskView(row),
  listing: (query: Input<'listTasks'>['query']) => {
    const statuses = query.status ? fromBriefTaskWord(query.status) : null;
    return {
      columns: TASK_COLUMNS,
      from: sql`tasks t`,
      where: statuses ? [sql`t.status = any(${statuses})`] : [],
      order: ORDERS[query.sort_by ?? 'created_at'],
      counters: { kind: 'task', statuses },
    };
  },
});

export const taskHandlers = () =>
  defineHandlers({
    createTask: ({ body }, ctx) =>
      ctx.write(async (tx) => {
        const id = await createTask(tx, {
          taskName: body.task_name,
          topic: body.topic,
          primaryKeyword: body.primary_keyword ?? null,
          targetAudience: body.target_audience ?? null,
          category: body.category ?? null,
          metadata: (body.task_metadata ?? {}) as JsonObject,
        });
        if (body.auto_start)
          await startPipeline(tx, await requireTask(tx, id), {
            start: 'brief',
            parameters: body.parameters ?? {},
            traceId: ctx.traceId,
          });
        return taskView(await requireTask(tx, id));
      }),

    listTasks: async (input, ctx) => {
      const page = await listTasks(input, ctx);
      return { ...page, tasks: page.items };
    },

    getTask: item('task_id', requireTask, taskView),

    updateTask: ({ params, body }, ctx) =>
      ctx.write(async (tx) =>
        taskView(await changeTask(tx, params.task_id, body as { task_metadata?: JsonObject })),
      ),

    getTaskMetrics: (_input, ctx) =>
      ctx.read(async (db) => {
        const { completionSeconds, ...totals } = await readTaskTotals(db);
        const failed = totals.failed + totals.cancelled;
        const total = totals.pending + totals.active + totals.completed + failed;
        const counts = { total, completed: totals.completed, failed };
        return {
          total_tasks: total,
          completed: totals.completed,
          in_progress: totals.active,
          failed,
          pending: totals.pending,
          completion_rate: completionRate(counts),
          avg_completion_time: Math.round((completionSeconds ?? 0) * 1_000) / 1_000,
          success_rate: successRate(counts),
        };
      }),
  });
