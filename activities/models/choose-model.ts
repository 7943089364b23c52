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

/** Providers that are left alone after outages are asked last; a step that was tried before goes to the next candidate. */
const pick = (models: Models, candidates: readonly { readonly id: string }[]): string | undefined => {
  const away = models
    .status()
    .flatMap(({ provider, circuit }) => (circuit.state === 'open' ? [provider] : []));
  const here = candidates.filter(({ id }) => !away.includes(id.slice(0, id.indexOf(':'))));
  const order = here.length > 0 ? here : candidates;
  return order[(Context.current().info.attempt - 1) % order.length]?.id;
};

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
    return {
      model: await models.resolve(pick(models, routed.candidates)),
      key: `prefer:${wish.prefer}/${abilities.join(',')}`,
    };
  }
  const model = await models.resolve(wish.named ?? wish.selected ?? undefined);
  return { model, key: model.id };
};
