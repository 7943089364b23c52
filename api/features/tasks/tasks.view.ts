import { toBriefTaskWord } from '../../../domain/tasks/task.ts';
import type { TaskRow } from '../../../store/tasks/tasks.repository.ts';
import type { components } from '../../generated/openapi.d.ts';
import { maybeTime, time } from '../../http/wire.ts';

export const taskView = (task: TaskRow): components['schemas']['Task'] => ({
  id: task.id,
  task_name: task.task_name,
  topic: task.topic,
  primary_keyword: task.primary_keyword,
  target_audience: task.target_audience,
  category: task.category,
  status: toBriefTaskWord(task.status),
  outcome: task.status === 'cancelled' ? 'cancelled' : null,
  task_metadata: { ...task.metadata, ...(task.content ? { content: task.content } : {}) },
  content_id: task.content_id,
  run_id: task.run_id,
  created_at: time(task.created_at),
  updated_at: time(task.updated_at),
  completed_at: maybeTime(task.completed_at),
});
