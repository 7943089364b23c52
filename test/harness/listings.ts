import type { ModelListing } from '../../domain/models/catalogue.ts';
import type { ModelSettings } from '../../domain/models/price.ts';

/** What a provider says of a model, by its id; silent about all but what is given. */
export const listing = (id: string, given: Partial<ModelListing> = {}): ModelListing => ({
  id,
  provider: id.slice(0, id.indexOf(':')),
  name: id.slice(id.indexOf(':') + 1),
  title: id,
  contextWindow: null,
  maxOutputTokens: null,
  abilities: ['tools'],
  quality: 'standard',
  sizeBytes: null,
  parameters: null,
  quantization: null,
  ...given,
});

/** An installation that has configured nothing about models. */
export const NOTHING_CONFIGURED: ModelSettings = { corrections: [], chosenId: null, chosenPrice: null };
