import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { Ability, ModelPrice, Quality } from '../../domain/models/catalogue.ts';
import { callModel, type CallRequest, type Generated } from './call.ts';
import type { Circuit } from './circuit.ts';
import type { FailingModel } from './errors.ts';

export type { Generated } from './call.ts';

/** One usable model behind any provider. `id` is `provider:name`; `price` is null where nobody configured one. */
export interface Model extends FailingModel {
  id: string;
  provider: string;
  name: string;
  quality: Quality;
  /** What it is known to be able to do, without asking its provider. */
  abilities: readonly Ability[];
  price: ModelPrice | null;
  language: LanguageModelV4;
  /** Shared by all models of the provider. */
  circuit: Circuit;
  /** Milliseconds of silence after which a call is given up. */
  idleMs: number;
}

export interface GenerateRequest extends Omit<CallRequest, 'messages' | 'schema'> {
  prompt: string;
}

/**
 * Asks a model for a text and streams it. The vendor SDK's own retries are off: the activity's profile decides.
 * @returns the text, its tokens (0 where a provider counts none) and the wall time of the call in milliseconds
 * @throws ApplicationFailure of a {@link ModelErrorType}; the signal's reason when it was aborted; what `onDelta` threw
 */
export const generateText = (model: Model, { prompt, ...request }: GenerateRequest): Promise<Generated> =>
  callModel(model, { ...request, messages: [{ role: 'user', content: prompt }] });
