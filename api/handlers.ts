import { approvalHandlers } from './features/approvals/approvals.handlers.ts';
import { budgetHandlers } from './features/budgets/budgets.handlers.ts';
import { contentHandlers } from './features/content/content.handlers.ts';
import { historyHandlers } from './features/history/history.handlers.ts';
import { identityHandlers, type IdentityDeps } from './features/identity/identity.handlers.ts';
import { liveHandlers } from './features/live/live.handlers.ts';
import { modelHandlers, type ModelDeps } from './features/models/models.handlers.ts';
import { mediaHandlers, type MediaDeps } from './features/media/media.handlers.ts';
import {
  observabilityHandlers,
  type ObservabilityDeps,
} from './features/observability/observability.handlers.ts';
import { orchestratorHandlers } from './features/orchestrator/orchestrator.handlers.ts';
import { toolHandlers, type ToolDeps } from './features/orchestrator/tools.handlers.ts';
import { runHandlers, type RunDeps } from './features/runs/runs.handlers.ts';
import { siteHandlers, type SiteDeps } from './features/site/site.handlers.ts';
import { subtaskHandlers, type SubtaskDeps } from './features/subtasks/subtasks.handlers.ts';
import { taskHandlers } from './features/tasks/tasks.handlers.ts';
import { deliveryHandlers, type DeliveryDeps } from './features/webhooks/deliveries.handlers.ts';
import { incomingHandlers } from './features/webhooks/incoming.handlers.ts';
import { webhookHandlers } from './features/webhooks/webhooks.handlers.ts';
import type { Handlers } from './http/operation.ts';

export type HandlerDeps = DeliveryDeps &
  IdentityDeps &
  MediaDeps &
  ModelDeps &
  ObservabilityDeps &
  RunDeps &
  SiteDeps &
  SubtaskDeps &
  ToolDeps;

/** Every operation of the spec. The compiler checks that none is missing, unknown or of another shape. */
export const createHandlers = (deps: HandlerDeps): Handlers => ({
  ...approvalHandlers(),
  ...budgetHandlers(),
  ...deliveryHandlers(deps),
  ...incomingHandlers(deps),
  ...contentHandlers(),
  ...historyHandlers(),
  ...identityHandlers(deps),
  ...liveHandlers(deps),
  ...modelHandlers(deps),
  ...mediaHandlers(deps),
  ...observabilityHandlers(deps),
  ...orchestratorHandlers(),
  ...runHandlers(deps),
  ...siteHandlers(deps),
  ...subtaskHandlers(deps),
  ...taskHandlers(),
  ...toolHandlers(deps),
  ...webhookHandlers(deps),
});
