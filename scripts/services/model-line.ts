import type { Config } from '../../platform/config.ts';
import type { Weights } from './weights.ts';

/** Whether this configuration generates text with the local model, so that its weights are needed. */
export const needsLocalModel = ({ models }: Pick<Config, 'models'>): boolean =>
  models.chosen === null
    ? models.anthropic.apiKey === null &&
      models.openai.apiKey === null &&
      models.openai.baseUrl === null &&
      models.google.apiKey === null
    : models.chosen.startsWith('local');

/** One line about the model that drafts: its name, and what to do when it can't be used. */
export const describeModel = async (config: Config, weights: Weights | null): Promise<string> => {
  if (weights && 'unavailable' in weights)
    return `unavailable, so nothing can be drafted: ${weights.unavailable}`;
  try {
    const { createModels } = await import('../../activities/models/registry.ts');
    const models = createModels(config, { log: { info: () => {}, warn: () => {} } });
    const chosen = models.status().find((status) => status.chosen);
    if (!chosen) return config.models.chosen ?? 'none';
    if (!chosen.available) return `${chosen.id} is unavailable: ${chosen.reason ?? 'no reason is known'}`;
    return chosen.quality === 'demo'
      ? `${chosen.id} (demo quality; set ANTHROPIC_API_KEY or OPENAI_API_KEY for better)`
      : chosen.id;
  } catch (error) {
    return `unavailable: ${(error as Error).message}`;
  }
};
