import { defineEntity, p } from '@mikro-orm/postgresql';
import type { JsonObject } from '../../domain/json.ts';
import type { RunStatus } from '../../domain/runs/run.ts';

export const RunEntity = defineEntity({
  name: 'Run',
  tableName: 'runs',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    kind: p.text(),
    subjectType: p.text(),
    subjectId: p.uuid(),
    ownerId: p.uuid().nullable(),
    attempt: p.integer(),
    status: p.text().$type<RunStatus>(),
    input: p.json<JsonObject>(),
    traceId: p.text().nullable(),
  },
});
