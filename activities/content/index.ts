import type { ActivityDeps } from '../runtime.ts';
import { createFinishingActivities } from './finishing.ts';
import { createGateActivities } from './gates.ts';
import { createPublishingActivities } from './publishing.ts';
import { createRevisionActivities } from './revisions.ts';

/** The pipeline's steps on the database alone. */
export const createContentActivities = (deps: ActivityDeps) => ({
  ...createRevisionActivities(deps),
  ...createFinishingActivities(deps),
  ...createGateActivities(deps),
  ...createPublishingActivities(deps),
});

export type ContentActivities = ReturnType<typeof createContentActivities>;
