import { approvalHandlers } from './features/approvals/approvals.handlers.ts';
import { auditHandlers } from './features/observability/audit.handlers.ts';
import { budgetHandlers } from './features/budgets/budgets.handlers.ts';
import { contentHandlers } from './features/content/content.handlers.ts';
import { historyHandlers } from './features/history/history.handlers.ts';
import { accountHandlers } from './features/identity/account.handlers.ts';
import { passwordHandlers, type PasswordDeps } from './features/identity/password.handlers.ts';
import { registrationHandlers } from './features/identity/registration.handlers.ts';
import { providerHandlers, type ProviderHandlerDeps } from './features/identity/providers.handlers.ts';
import { roleHandlers } from './features/identity/roles.handlers.ts';
import { signInHandlers, type SignInHandlerDeps } from './features/identity/sign-in.handlers.ts';
import { treeHandlers } from './features/identity/trees.handlers.ts';
import { serverHandlers, sysUserHandlers, userHandlers } from './features/identity/users.handlers.ts';
import { apiKeyHandlers, type ApiKeyDeps } from './features/identity/api-keys.handlers.ts';
import { limitHandlers, type LimitsDeps } from './features/limits/limits.handlers.ts';
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
import { settingHandlers, type SettingDeps } from './features/settings/settings.handlers.ts';
import { systemSettingHandlers, type SystemSettingDeps } from './features/settings/system.handlers.ts';
import { workspaceSettingHandlers } from './features/settings/workspace.handlers.ts';
import { siteHandlers, type SiteDeps } from './features/site/site.handlers.ts';
import { subtaskHandlers, type SubtaskDeps } from './features/subtasks/subtasks.handlers.ts';
import { taskHandlers } from './features/tasks/tasks.handlers.ts';
import { deliveryHandlers, type DeliveryDeps } from './features/webhooks/deliveries.handlers.ts';
import { incomingHandlers } from './features/webhooks/incoming.handlers.ts';
import { webhookHandlers } from './features/webhooks/webhooks.handlers.ts';
import type { Handlers } from './http/operation.ts';

export type HandlerDeps = ApiKeyDeps &
  PasswordDeps &
  SignInHandlerDeps &
  LimitsDeps &
  DeliveryDeps &
  ProviderHandlerDeps &
  MediaDeps &
  ModelDeps &
  ObservabilityDeps &
  RunDeps &
  SettingDeps &
  SiteDeps &
  SubtaskDeps &
  SystemSettingDeps &
  ToolDeps;

/** Every operation of the spec. The compiler checks that none is missing, unknown or of another shape. */
export const createHandlers = (deps: HandlerDeps): Handlers => ({
  ...apiKeyHandlers(deps),
  ...approvalHandlers(),
  ...auditHandlers(),
  ...budgetHandlers(),
  ...deliveryHandlers(deps),
  ...incomingHandlers(deps),
  ...contentHandlers(),
  ...historyHandlers(),
  ...accountHandlers(deps),
  ...passwordHandlers(deps),
  ...registrationHandlers(deps),
  ...signInHandlers(deps),
  ...providerHandlers(deps),
  ...userHandlers(),
  ...sysUserHandlers(),
  ...serverHandlers(),
  ...roleHandlers(),
  ...treeHandlers(),
  ...limitHandlers(deps),
  ...liveHandlers(deps),
  ...modelHandlers(deps),
  ...mediaHandlers(deps),
  ...observabilityHandlers(deps),
  ...orchestratorHandlers(),
  ...runHandlers(deps),
  ...settingHandlers(deps),
  ...siteHandlers(deps),
  ...subtaskHandlers(deps),
  ...systemSettingHandlers(deps),
  ...taskHandlers(),
  ...toolHandlers(deps),
  ...workspaceSettingHandlers(),
  ...webhookHandlers(deps),
});
