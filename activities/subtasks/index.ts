import type { ActivityDeps } from '../runtime.ts';
import { createQaSubtask } from './checking.ts';
import { createFormatSubtask } from './formatting.ts';
import { createImagesSubtask } from './picturing.ts';
import { createResearchSubtask } from './researching.ts';
import { createCreativeSubtask } from './writing.ts';

/** The steps of the pipeline that can be run alone. */
export const createSubtaskActivities = (deps: ActivityDeps) => ({
  ...createResearchSubtask(deps),
  ...createCreativeSubtask(deps),
  ...createQaSubtask(deps),
  ...createImagesSubtask(deps),
  ...createFormatSubtask(deps),
});

export type SubtaskActivities = ReturnType<typeof createSubtaskActivities>;
