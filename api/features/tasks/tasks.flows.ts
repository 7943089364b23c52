import { applyEdits, excerptOf } from '../../../domain/content/revision.ts';
import type { JsonObject } from '../../../domain/json.ts';
import { fromBriefTaskWord, type BriefTaskWord } from '../../../domain/tasks/task.ts';
import {
  addRevision,
  byPerson,
  createContent,
  lockContent,
} from '../../../store/content/content.repository.ts';
import { draftOf } from '../../../store/content/content.rows.ts';
import { setTaskStatus } from '../../../store/runs/subject.ts';
import type { Writer } from '../../../store/store.ts';
import {
  lockTask,
  mergeMetadata,
  requireNoLiveRun,
  requireTask,
  type TaskRow,
} from '../../../store/tasks/tasks.repository.ts';

/** Text that a person put into a task becomes the next revision of its content. */
const reviseByHand = async (tx: Writer, task: TaskRow, body: string): Promise<void> => {
  const origin = byPerson(tx.principal.userId);
  if (!task.content_id) {
    const draft = {
      title: task.topic,
      body,
      excerpt: excerptOf(body),
      featuredImageUrl: null,
      seoTitle: null,
      seoDescription: null,
    };
    await createContent(tx, {
      draft,
      origin,
      taskId: task.id,
      createdBy: tx.principal.userId,
      category: task.category,
      tags: [],
    });
    return;
  }
  const content = await lockContent(tx, task.content_id);
  if (content.body !== body)
    await addRevision(tx, content, applyEdits(draftOf(content), { content: body }), origin);
};

/**
 * A change of a task by hand, audited. Refused while a run is live: the run says what the task's status is.
 * @throws DomainError not_found, conflict `run_live`.
 */
export const changeTask = async (
  tx: Writer,
  taskId: string,
  change: { status?: BriefTaskWord; task_metadata?: JsonObject },
): Promise<TaskRow> => {
  const task = await lockTask(tx, taskId);
  await requireNoLiveRun(tx, taskId);
  const { content, ...metadata } = change.task_metadata ?? {};
  if (Object.keys(metadata).length > 0) mergeMetadata(tx, taskId, metadata);
  if (typeof content === 'string') await reviseByHand(tx, task, content);
  if (change.status) {
    const statuses = fromBriefTaskWord(change.status);
    if (!statuses.includes(task.status)) await setTaskStatus(tx, taskId, statuses[0]);
  }
  tx.audit('task.change', 'task', taskId, {
    from: task.status,
    to: change.status ?? null,
    metadata: Object.keys(change.task_metadata ?? {}),
  });
  return requireTask(tx, taskId);
};
