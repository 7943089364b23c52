import { createContentActivities } from './content/index.ts';
import { createStudioActivities } from './content/studio.ts';
import { createRunActivities } from './runs/index.ts';
import type { ActivityDeps } from './runtime.ts';
import { createSubtaskActivities } from './subtasks/index.ts';
import { createDeliveryActivities, createWebhookActivities } from './webhooks/index.ts';

/** What each queue's worker can do. */
export const createActivities = (deps: ActivityDeps) => ({
  control: {
    ...createRunActivities(deps),
    ...createContentActivities(deps),
    ...createWebhookActivities(deps),
  },
  model: { ...createStudioActivities(deps), ...createSubtaskActivities(deps) },
  webhooks: createDeliveryActivities(deps),
});
