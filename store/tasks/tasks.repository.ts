import { v7 as uuidv7 } from 'uuid';
import { conflict, notFound } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { TaskStatus } from '../../domain/tasks/task.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';
import { TaskEntity } from './task.entity.ts';

export interface TaskRow {
  readonly id: string;
  readonly task_name: string;
  readonly topic: string;
  readonly primary_keyword: string | null;
  readonly target_audience: string | null;
  readonly category: string | null;
  readonly metadata: JsonObject;
  readonly status: TaskStatus;
  readonly content_id: string | null;
  readonly run_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly completed_at: Date | null;
  /** The newest revision's text; only where one task is read. */
  readonly content?: string | null;
}

export const TASK_COLUMNS = sql`t.id, t.task_name, t.topic, t.primary_keyword, t.target_audience, t.category, t.metadata, t.status,
  t.content_id, t.created_at, t.updated_at, t.completed_at,
  (select r.id from runs r where r.subject_type = 'task' and r.subject_id = t.id order by r.created_at desc limit 1) as run_id`;

const CONTENT_COLUMN = sql`(select v.body from content_items c join content_revisions v on v.item_id = c.id and v.number = c.revision
  where c.id = t.content_id and c.deleted_at is null) as content`;

/** Reads a task with its content. @throws DomainError not_found. */
export const requireTask = async (db: Reader, id: string): Promise<TaskRow> => {
  const task = await db.maybe<TaskRow>(
    sql`select ${TASK_COLUMNS}, ${CONTENT_COLUMN} from tasks t where t.id = ${id}`,
  );
  if (!task) throw notFound('task', id);
  return task;
};

/** Locks a task against other writers. @throws DomainError not_found. */
export const lockTask = (tx: Writer, id: string): Promise<TaskRow> => {
  tx.send(sql`select 1 from tasks where id = ${id} for update`);
  return requireTask(tx, id);
};

export interface NewTask {
  readonly taskName: string;
  readonly topic: string;
  readonly primaryKeyword: string | null;
  readonly targetAudience: string | null;
  readonly category: string | null;
  readonly metadata: JsonObject;
}

/** Creates a task as `pending`. @returns its id. */
export const createTask = async (tx: Writer, input: NewTask): Promise<string> => {
  const id = uuidv7();
  await tx.em.insert(TaskEntity, {
    id,
    workspaceId: tx.principal.workspaceId,
    createdBy: tx.principal.userId,
    status: 'pending',
    ...input,
  });
  tx.count('task', 'pending', 1);
  tx.audit('task.create', 'task', id, { task_name: input.taskName, topic: input.topic });
  return id;
};

/** @throws DomainError conflict `run_live` while a run of the task has not ended. */
export const requireNoLiveRun = async (tx: Writer, taskId: string): Promise<void> => {
  const live = await tx.maybe<{ id: string }>(
    sql`select id from runs where subject_type = 'task' and subject_id = ${taskId}
           and status in ('queued','running','waiting','paused')`,
  );
  if (live)
    throw conflict('run_live', `Run ${live.id} is working on this task: wait for it, or cancel it first.`);
};

/** Merges into a task's metadata: names that are not given stay. */
export const mergeMetadata = (tx: Writer, taskId: string, metadata: JsonObject): void =>
  tx.send(
    sql`update tasks set metadata = metadata || ${JSON.stringify(metadata)}::jsonb, updated_at = now() where id = ${taskId}`,
  );

/** The totals behind the statistics. Sums of counters: exact, and as fast with a million tasks as with ten. */
export const readTaskTotals = async (
  db: Reader,
): Promise<Record<TaskStatus, number> & { completionSeconds: number | null }> => {
  const rows = await db.many<{ kind: string; status: string; n: number }>(
    sql`select kind, status, sum(n)::bigint as n from counters where kind in ('task', 'task.completion_ms') group by kind, status`,
  );
  const total = (kind: string, status: string): number =>
    rows.find((row) => row.kind === kind && row.status === status)?.n ?? 0;
  const timed = total('task.completion_ms', 'n');
  return {
    pending: total('task', 'pending'),
    active: total('task', 'active'),
    completed: total('task', 'completed'),
    failed: total('task', 'failed'),
    cancelled: total('task', 'cancelled'),
    completionSeconds: timed === 0 ? null : total('task.completion_ms', 'sum') / timed / 1_000,
  };
};
