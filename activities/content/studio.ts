import type { ActivityDeps } from '../runtime.ts';
import { createJudgingActivities } from './judging.ts';
import { createPresentingActivities } from './presenting.ts';
import { createResearchActivities } from './researching.ts';
import { createWritingActivities } from './writing.ts';

/** The pipeline's steps that call models, search, compute or draw. */
export const createStudioActivities = (deps: ActivityDeps) => ({
  ...createResearchActivities(deps),
  ...createWritingActivities(deps),
  ...createJudgingActivities(deps),
  ...createPresentingActivities(deps),
});

export type StudioActivities = ReturnType<typeof createStudioActivities>;
