import type { ModelCorrection } from './corrections.ts';
import type { ModelPrice } from './catalogue.ts';

/** Who said a price: the environment, the models file, or nobody has to, because the weights run on a machine of ours. */
export type PriceSource = 'settings' | 'file' | 'own_machine';

/** What an installation says about models, beside what their providers say. No price is ever packaged or guessed. */
export interface ModelSettings {
  readonly corrections: readonly ModelCorrection[];
  /** `provider:name` of the model that a call without a name gets; `chosenPrice` was given for it. */
  readonly chosenId: string | null;
  readonly chosenPrice: ModelPrice | null;
}

/** @param chosenId the model that a call without a name gets. */
export const modelSettings = (
  configured: {
    readonly corrections: readonly ModelCorrection[];
    readonly inputPrice: number | null;
    readonly outputPrice: number | null;
  },
  chosenId: string | null,
): ModelSettings => {
  const { corrections, inputPrice, outputPrice } = configured;
  const chosenPrice =
    inputPrice === null || outputPrice === null
      ? null
      : { inputPerMtok: inputPrice, outputPerMtok: outputPrice };
  return { corrections, chosenId, chosenPrice };
};

/** They run in this installation's own processes, whatever is configured. */
const IN_PROCESS: ReadonlySet<string> = new Set(['local', 'scripted']);

interface NamedModel {
  readonly id: string;
  readonly provider: string;
  readonly name: string;
}

/** Whether no call of it costs anything. Models that an Ollama only passes on to their makers are named so. */
const isOnOwnMachine = ({ provider, name }: NamedModel): boolean =>
  IN_PROCESS.has(provider) || (provider === 'ollama' && !/cloud$/i.test(name));

/**
 * What a model costs as far as somebody said so: the environment speaks for the configured model, the models file for any.
 * @returns null when nobody did; budgets refuse such a model.
 */
export const priceOf = (
  model: NamedModel,
  { chosenId, chosenPrice, corrections }: ModelSettings,
): { readonly price: ModelPrice; readonly source: PriceSource } | null => {
  if (chosenPrice !== null && model.id === chosenId && !IN_PROCESS.has(model.provider))
    return { price: chosenPrice, source: 'settings' };
  const price = corrections.find(({ id }) => id === model.id)?.price;
  if (price) return { price, source: 'file' };
  return isOnOwnMachine(model)
    ? { price: { inputPerMtok: 0, outputPerMtok: 0 }, source: 'own_machine' }
    : null;
};
