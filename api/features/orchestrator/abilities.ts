import type { Config } from '../../../platform/config.ts';
import { imageObstacle, parseImageChoice } from '../../../platform/image-choice.ts';
import { chosenResearch, researchObstacle } from '../../../platform/research.ts';

/** Whether something can be done here. `reason`: what it lacks, or does without. */
export interface Ability {
  readonly available: boolean;
  readonly reason: string | null;
}

/** What this process can know of the abilities that depend on the configuration. */
export interface ConfiguredAbilities {
  readonly research: Ability;
  readonly images: Ability;
  /** The model that the installation names, `provider:name`; null when it names none. */
  readonly model: string | null;
}

const researchAbility = (config: Pick<Config, 'research'>): Ability => {
  const chosen = chosenResearch(config);
  if (chosen === null) return { available: false, reason: 'Research is off: set TASKLOOM_RESEARCH' };
  const reason = researchObstacle(chosen, config);
  return { available: reason === null, reason };
};

/** Title cards are always drawn. */
const imageAbility = ({ images }: Pick<Config, 'images'>): Ability => {
  const why =
    images.chosen === null
      ? 'no image model is configured: set TASKLOOM_IMAGE_MODEL'
      : imageObstacle(parseImageChoice(images.chosen), images.chosen, images);
  return { available: true, reason: why === null ? null : `Title cards are drawn, as ${why}` };
};

export const configuredAbilities = (
  config: Pick<Config, 'research' | 'images' | 'models'>,
): ConfiguredAbilities => ({
  research: researchAbility(config),
  images: imageAbility(config),
  model: config.models.chosen,
});
