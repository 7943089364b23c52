import { defineEntity, p } from '@mikro-orm/postgresql';
import type { JsonObject } from '../../domain/json.ts';
import type { TaskStatus } from '../../domain/tasks/task.ts';

export const TaskEntity = defineEntity({
  name: 'Task',
  tableName: 'tasks',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    createdBy: p.uuid().nullable(),
    taskName: p.text(),
    topic: p.text(),
    primaryKeyword: p.text().nullable(),
    targetAudience: p.text().nullable(),
    category: p.text().nullable(),
    metadata: p.json<JsonObject>(),
    status: p.text().$type<TaskStatus>(),
  },
});
