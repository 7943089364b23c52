import { ApprovalEntity } from './approvals/approval.entity.ts';
import { ContentItemEntity, ContentRevisionEntity } from './content/content.entity.ts';
import { MembershipEntity, UserEntity, WorkspaceEntity } from './identity/identity.entity.ts';
import { RunEntity } from './runs/run.entity.ts';
import { TaskEntity } from './tasks/task.entity.ts';

/** Every table that is written through the ORM. */
export const entities = [
  ApprovalEntity,
  ContentItemEntity,
  ContentRevisionEntity,
  MembershipEntity,
  RunEntity,
  TaskEntity,
  UserEntity,
  WorkspaceEntity,
];
