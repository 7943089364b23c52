import { describe, expect, test } from '@jest/globals';
import { listing, NOTHING_CONFIGURED } from '../../test/harness/listings.ts';
import type { ModelListing } from './catalogue.ts';
import { parseCorrections } from './corrections.ts';
import { toFedModels } from './feed.ts';
import type { ModelSettings } from './price.ts';

const fed = (model: ModelListing, settings: Partial<ModelSettings> = {}) =>
  toFedModels([model], { ...NOTHING_CONFIGURED, ...settings })[0];
const PRICE = { inputPerMtok: 3_000_000, outputPerMtok: 15_000_000 };

describe('a price', () => {
  test.each<[string, string, Partial<ModelSettings>, unknown, unknown]>([
    ['is unknown where nobody configured one', 'openai:gpt-4.1', {}, null, null],
    [
      'comes from the environment for the configured model',
      'openai:gpt-4.1',
      { chosenId: 'openai:gpt-4.1', chosenPrice: PRICE },
      PRICE,
      'settings',
    ],
    [
      'of the configured model is no price of another one',
      'openai:gpt-4o',
      { chosenId: 'openai:gpt-4.1', chosenPrice: PRICE },
      null,
      null,
    ],
    [
      'comes from the models file for any model',
      'openai:gpt-4.1',
      { corrections: [{ id: 'openai:gpt-4.1', price: PRICE }] },
      PRICE,
      'file',
    ],
    ['is unknown for what an Ollama passes on', 'ollama:big:120b-cloud', {}, null, null],
    [
      'is nothing for what an Ollama runs',
      'ollama:qwen3:4b',
      {},
      { inputPerMtok: 0, outputPerMtok: 0 },
      'own_machine',
    ],
    [
      'that is configured counts for an Ollama too',
      'ollama:qwen3:4b',
      { chosenId: 'ollama:qwen3:4b', chosenPrice: PRICE },
      PRICE,
      'settings',
    ],
    [
      'is nothing for weights that run here',
      'local:smollm2-135m',
      {},
      { inputPerMtok: 0, outputPerMtok: 0 },
      'own_machine',
    ],
  ])('%s', (_what, id, settings, price, priceSource) => {
    expect(fed(listing(id), settings)).toMatchObject({ price, priceSource });
  });
});

describe('a context window', () => {
  test.each<[string, string, number | null, number | null]>([
    ['as the provider says', 'anthropic:claude-3-5-sonnet-20241022', 1_000, 1_000],
    ['as is known where the provider says nothing', 'anthropic:claude-3-5-sonnet-20241022', null, 200_000],
    ['as is known of a dated version', 'openai:gpt-4.1-mini-2025-04-14', null, 1_047_576],
    ['unknown where nobody is certain', 'openai:gpt-4.1-quux', null, null],
    ['unknown where a gateway uses the name', 'gateway:gpt-4.1', null, null],
    ['unknown where the provider says nonsense', 'x:y', 1.5, null],
  ])('is taken %s', (_what, id, contextWindow, expected) => {
    expect(fed(listing(id, { contextWindow }))?.contextWindow).toBe(expected);
  });

  test('is taken from a correction before all others, and only what it says', () => {
    const corrections = parseCorrections([
      { id: 'x:y', context_window: 32_768, abilities: [], quality: 'demo' },
    ]);
    expect(fed(listing('x:y', { contextWindow: 8_192, title: 'Y' }), { corrections })).toMatchObject({
      contextWindow: 32_768,
      abilities: [],
      quality: 'demo',
      title: 'Y',
      price: null,
    });
    expect(fed(listing('x:z'), { corrections })).toMatchObject({ abilities: ['tools'], quality: 'standard' });
  });
});
