import { defineEntity, p } from '@mikro-orm/postgresql';
import type { ApprovalPolicy, OnExpiry } from '../../domain/approvals/approval.ts';
import type { JsonObject } from '../../domain/json.ts';

export const ApprovalEntity = defineEntity({
  name: 'Approval',
  tableName: 'approvals',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    kind: p.text(),
    runId: p.uuid(),
    attempt: p.integer(),
    stepPath: p.text(),
    subjectType: p.text(),
    subjectId: p.uuid(),
    revision: p.integer(),
    shown: p.json<JsonObject>(),
    policy: p.json<ApprovalPolicy>(),
    requestedBy: p.uuid().nullable(),
    expiresAt: p.datetime().nullable(),
    onExpiry: p.text().$type<OnExpiry>(),
  },
});
