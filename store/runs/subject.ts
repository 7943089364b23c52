import { isLive } from '../../domain/runs/run.ts';
import { taskStatusOfRun, type TaskStatus } from '../../domain/tasks/task.ts';
import { setContentStatus } from '../content/content.repository.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import type { RunRow } from './run.rows.ts';

/** Moves a task's status and the totals that the statistics read. */
export const setTaskStatus = async (tx: Writer, taskId: string, status: TaskStatus): Promise<void> => {
  const moved = await tx.maybe<{ before: TaskStatus }>(
    sql`with old as (select id, status from tasks where id = ${taskId} for update)
        update tasks t set status = ${status}, updated_at = now(),
               completed_at = case when ${status} = 'completed' then now() end
          from old where t.id = old.id and old.status <> ${status}
        returning old.status as before`,
  );
  if (!moved) return;
  tx.count('task', moved.before, -1);
  tx.count('task', status, 1);
};

/** Refused content stays refused; other content that a run leaves unpublished is a draft again. */
const releaseContent = async (tx: Writer, run: RunRow): Promise<void> => {
  const refused = run.error?.code === 'rejected' || run.error?.code === 'approval_expired';
  const left = await tx.many<{ id: string; published: boolean }>(
    sql`select id, published_revision is not null as published from content_items
         where (id = ${run.subject_id} or task_id = ${run.subject_id}) and status in ('in_review','approved','scheduled')`,
  );
  for (const { id, published } of left)
    await setContentStatus(tx, id, refused ? 'rejected' : published ? 'published' : 'draft');
};

/** What a run is about follows it, in the run's own transaction. */
export const followSubject = async (tx: Writer, run: RunRow): Promise<void> => {
  if (run.kind !== 'content') return;
  if (!isLive(run.status) && run.status !== 'completed') await releaseContent(tx, run);
  if (run.subject_type !== 'task') return;
  await setTaskStatus(tx, run.subject_id, taskStatusOfRun(run.status));
  if (run.status !== 'completed' || !run.started_at || !run.finished_at) return;
  tx.count('task.completion_ms', 'sum', run.finished_at.getTime() - run.started_at.getTime());
  tx.count('task.completion_ms', 'n', 1);
};
