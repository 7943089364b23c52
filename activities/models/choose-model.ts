import { Context } from '@temporalio/activity';
import type { Ability } from '../../domain/models/catalogue.ts';
import { route } from '../../domain/models/route.ts';
import { readRoutableModels } from '../../store/models/routable.ts';
import type { Reader } from '../../store/store.ts';
import { modelFailure } from './errors.ts';
import type { Model } from './model.ts';
import type { Models } from './registry.ts';

/** How a run wants its models: one by name, or the first by a preference; neither means what the workspace has selected. */
export interface ModelWish {
  /** `provider:name`. */
  readonly named: string | null;
  readonly prefer: 'cheapest' | 'fastest' | 'best' | null;
  /** `provider:name` that the workspace selected. */
  readonly selected: string | null;
}

/** A model to ask, and the key under which its answers are stored: a fallback's answer is as good as the first choice's. */
export interface ChosenModel {
  readonly model: Model;
  readonly key: string;
}

/** A routed step that was tried before goes to the next of the candidates. */
const turn = (candidates: number): number => (Context.current().info.attempt - 1) % candidates;

/**
 * Chooses the model of a step: the named one, else the next candidate of a preference, else the workspace's own selection,
 * else the configured one.
 * @throws ApplicationFailure `model_not_configured` that says what lacks.
 */
export const chooseModel = async (
  models: Models,
  db: Reader,
  wish: ModelWish,
  abilities: readonly Ability[] = [],
): Promise<ChosenModel> => {
  if (wish.named === null && wish.prefer !== null) {
    const routed = route(await readRoutableModels(db), { prefer: wish.prefer, abilities });
    if ('refused' in routed) throw modelFailure('model_not_configured', routed.message);
    const chosen = routed.candidates[turn(routed.candidates.length)];
    return { model: await models.resolve(chosen?.id), key: `prefer:${wish.prefer}/${abilities.join(',')}` };
  }
  const model = await models.resolve(wish.named ?? wish.selected ?? undefined);
  return { model, key: model.id };
};
