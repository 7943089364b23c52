import { readParameters, type PipelineStart } from '../../domain/content/pipeline.ts';
import { limitRun } from '../budgets/budgets.repository.ts';
import { conflict } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { RunRow } from '../runs/run.rows.ts';
import { startRun } from '../runs/start.ts';
import type { Writer } from '../store.ts';
import type { TaskRow } from '../tasks/tasks.repository.ts';

/** @throws DomainError conflict `no_content` when nothing has been written for the task yet. */
const requireWritten = (task: TaskRow): string => {
  if (task.content_id === null)
    throw conflict(
      'no_content',
      'Nothing has been written for this task yet: start it with content_creation first.',
    );
  return task.content_id;
};

/**
 * Starts the content pipeline for a task: from its brief, or from what is written already.
 * @throws DomainError conflict `run_live` or `no_content`.
 */
export const startPipeline = async (
  tx: Writer,
  task: TaskRow,
  input: { start: Exclude<PipelineStart, 'review'>; parameters: JsonObject; traceId: string },
): Promise<RunRow> => {
  const { budget } = readParameters(input.parameters);
  if (input.start === 'optimize') requireWritten(task);
  const run = await startRun(tx, {
    kind: 'content',
    subjectType: 'task',
    subjectId: task.id,
    summary: task.task_name,
    input: { start: input.start, parameters: input.parameters },
    traceId: input.traceId,
  });
  if (budget !== null) limitRun(tx, run.id, budget);
  return run;
};

/** Starts a measurement of what is written for a task. @throws DomainError conflict `run_live` or `no_content`. */
export const startAnalysis = (tx: Writer, task: TaskRow, traceId: string): Promise<RunRow> => {
  const contentId = requireWritten(task);
  return startRun(tx, {
    kind: 'analysis',
    subjectType: 'content',
    subjectId: contentId,
    summary: `Analysis: ${task.task_name}`,
    input: { content_id: contentId, keyword: task.primary_keyword },
    traceId,
  });
};
