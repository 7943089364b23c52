import { approvalWord, orchestrationWord } from '../../../domain/content/orchestration.ts';
import type { JsonObject } from '../../../domain/json.ts';
import { newestApprovalOf } from '../../../store/approvals/approvals.repository.ts';
import type { ApprovalRow } from '../../../store/approvals/approvals.ts';
import { decide, requireOpenApproval } from '../../../store/approvals/decide.ts';
import { startAnalysis, startPipeline } from '../../../store/content/pipeline.ts';
import { endedRunListing, newestRunOf } from '../../../store/runs/runs.repository.ts';
import type { RunRow } from '../../../store/runs/run.rows.ts';
import type { Reader } from '../../../store/store.ts';
import { requireTask, type TaskRow } from '../../../store/tasks/tasks.repository.ts';
import type { components } from '../../generated/openapi.d.ts';
import { defineHandlers } from '../../http/operation.ts';
import { list } from '../../http/resource.ts';
import { time } from '../../http/wire.ts';

const approvalOf = (db: Reader, task: TaskRow): Promise<ApprovalRow | undefined> =>
  task.content_id === null ? Promise.resolve(undefined) : newestApprovalOf(db, 'content', task.content_id);

const approvalView = (
  taskId: string,
  approval: ApprovalRow | undefined,
): components['schemas']['TaskApproval'] => ({
  task_id: taskId,
  requires_approval: approval?.status === 'open',
  approval_status: approval ? approvalWord(approval.status) : null,
  feedback: approval?.feedback ?? null,
  approval_id: approval?.id ?? null,
  revision: approval?.revision ?? null,
});

const statusView = (
  taskId: string,
  run: RunRow | undefined,
  approval: ApprovalRow | undefined,
): components['schemas']['OrchestrationStatus'] => {
  const ofThisAttempt = run && approval?.run_id === run.id && approval.attempt === run.attempt;
  return {
    task_id: taskId,
    execution_id: run?.id ?? null,
    status: orchestrationWord(
      run ? { status: run.status, errorCode: run.error?.code ?? null } : null,
      ofThisAttempt ? approval.status : null,
    ),
    progress: run?.progress ?? 0,
    current_step: run?.current_step ?? null,
  };
};

const executionView = (run: RunRow): components['schemas']['Execution'] => ({
  id: run.id,
  task_id: run.subject_type === 'task' ? run.subject_id : null,
  kind: run.kind,
  completed_at: time(run.finished_at ?? run.updated_at),
  result: run.status === 'completed' ? 'success' : 'failure',
  outcome: run.status as 'completed' | 'failed' | 'cancelled',
  duration_ms: (run.finished_at ?? run.updated_at).getTime() - (run.started_at ?? run.created_at).getTime(),
});

const listHistory = list({
  path: '/api/orchestrator/history',
  view: executionView,
  listing: () => endedRunListing(),
});

/** Feedback is for the author; notes are for the record: both are kept with the decision. */
const comment = (feedback: string | undefined, notes: string | undefined): string | null =>
  [feedback, notes].filter((text) => text !== undefined && text !== '').join('\n\n') || null;

export const orchestratorHandlers = () =>
  defineHandlers({
    processTask: ({ body }, ctx) =>
      ctx.write(async (tx) => {
        // Not locked: a run locks its task after itself, and the index on live runs guards the start.
        const task = await requireTask(tx, body.task_id);
        const parameters = (body.parameters ?? {}) as JsonObject;
        const start = body.workflow_type === 'optimization' ? 'optimize' : 'brief';
        const run =
          body.workflow_type === 'analysis'
            ? await startAnalysis(tx, task, ctx.traceId)
            : await startPipeline(tx, task, { start, parameters, traceId: ctx.traceId });
        return { execution_id: run.id, task_id: task.id, status: 'processing' as const, result: {} };
      }),

    getOrchestrationStatus: ({ params }, ctx) =>
      ctx.read(async (db) => {
        const task = await requireTask(db, params.task_id);
        const [run, approval] = await Promise.all([newestRunOf(db, 'task', task.id), approvalOf(db, task)]);
        return statusView(task.id, run, approval);
      }),

    getTaskApproval: ({ params }, ctx) =>
      ctx.read(async (db) =>
        approvalView(params.task_id, await approvalOf(db, await requireTask(db, params.task_id))),
      ),

    approveTask: ({ params, body }, ctx) =>
      ctx.write(async (tx) => {
        const task = await requireTask(tx, params.task_id);
        const open = await requireOpenApproval(tx, task.content_id);
        const decided = await decide(tx, open.id, {
          decision: body.approved ? 'approve' : 'reject',
          revision: open.revision,
          comment: comment(body.feedback, body.notes),
          edits: null,
          answer: null,
          userId: ctx.principal.userId,
          role: ctx.principal.role,
        });
        return approvalView(task.id, decided);
      }),

    listOrchestrationHistory: async (input, ctx) => {
      const page = await listHistory(input, ctx);
      return { ...page, executions: page.items };
    },
  });
