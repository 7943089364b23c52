import { approvalHandlers } from './features/approvals/approvals.handlers.ts';
import { budgetHandlers } from './features/budgets/budgets.handlers.ts';
import { contentHandlers } from './features/content/content.handlers.ts';
import { historyHandlers } from './features/history/history.handlers.ts';
import type { AccountDeps } from './features/identity/account.flows.ts';
import { accountHandlers } from './features/identity/account.handlers.ts';
import { providerHandlers, type ProviderHandlerDeps } from './features/identity/providers.handlers.ts';
import { roleHandlers } from './features/identity/roles.handlers.ts';
import { signInHandlers, type SignInHandlerDeps } from './features/identity/sign-in.handlers.ts';
import { treeHandlers } from './features/identity/trees.handlers.ts';
import { userHandlers } from './features/identity/users.handlers.ts';
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
import type { Handlers } from './http/operation.ts';

export type HandlerDeps = AccountDeps &
  SignInHandlerDeps &
  ProviderHandlerDeps &
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
  ...contentHandlers(),
  ...historyHandlers(),
  ...accountHandlers(deps),
  ...signInHandlers(deps),
  ...providerHandlers(deps),
  ...userHandlers(),
  ...roleHandlers(),
  ...treeHandlers(),
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
});
