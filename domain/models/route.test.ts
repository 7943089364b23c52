import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ABILITIES, type Ability } from './catalogue.ts';
import { route, type RoutableModel, type RouteNeed } from './route.ts';

const model = (id: string, given: Partial<RoutableModel> = {}): RoutableModel => ({
  id,
  available: true,
  reason: null,
  abilities: ['structured_output', 'tools'],
  quality: 'standard',
  price: null,
  tokensPerSecond: null,
  ...given,
});

const price = (inputPerMtok: number, outputPerMtok: number) => ({ price: { inputPerMtok, outputPerMtok } });

const CATALOGUE = [
  model('a:dear', { ...price(3_000_000, 15_000_000), tokensPerSecond: 60, abilities: ['tools', 'vision'] }),
  model('a:cheap', { ...price(250_000, 2_000_000), tokensPerSecond: 150 }),
  model('b:unpriced', { tokensPerSecond: 90 }),
  model('c:small', { ...price(0, 0), tokensPerSecond: 100, quality: 'demo', abilities: [] }),
  model('d:away', { ...price(1, 1), available: false, reason: 'D needs a key: set D_API_KEY' }),
  model('e:pictures', { ...price(1, 1), abilities: ['image'] }),
  model('e:vectors', { ...price(1, 1), abilities: ['embeddings'] }),
];

const idsOf = (need: RouteNeed, catalogue = CATALOGUE): string[] => {
  const found = route(catalogue, need);
  if ('refused' in found) throw new Error(found.message);
  return found.candidates.map(({ id }) => id);
};

describe('a route', () => {
  test.each<[string, RouteNeed, string[]]>([
    [
      'the cheapest first, unpriced ones last',
      { prefer: 'cheapest' },
      ['c:small', 'a:cheap', 'a:dear', 'b:unpriced'],
    ],
    ['the fastest first', { prefer: 'fastest' }, ['a:cheap', 'c:small', 'b:unpriced', 'a:dear']],
    ['the best first', { prefer: 'best' }, ['a:cheap', 'a:dear', 'b:unpriced', 'c:small']],
    [
      'none below the quality',
      { prefer: 'cheapest', minQuality: 'standard' },
      ['a:cheap', 'a:dear', 'b:unpriced'],
    ],
    [
      'none without a price under a budget',
      { prefer: 'fastest', needsPrice: true },
      ['a:cheap', 'c:small', 'a:dear'],
    ],
    ['those with the ability', { prefer: 'cheapest', abilities: ['vision'] }, ['a:dear']],
    [
      'those that make pictures, when pictures are needed',
      { prefer: 'best', abilities: ['image'] },
      ['e:pictures'],
    ],
    ['those for embeddings', { prefer: 'best', abilities: ['embeddings'] }, ['e:vectors']],
    ['the named one and no other', { prefer: 'cheapest', named: 'b:unpriced' }, ['b:unpriced']],
  ])('has %s', (_what, need, ids) => {
    expect(idsOf(need)).toEqual(ids);
  });

  test('has what was never measured last when speed decides', () => {
    const catalogue = [model('a:new'), model('b:slow', { tokensPerSecond: 0.5 })];
    expect(idsOf({ prefer: 'fastest' }, catalogue)).toEqual(['b:slow', 'a:new']);
  });

  test.each<[RouteNeed, string, string]>([
    [{ prefer: 'best', named: 'x:y' }, 'model_unknown', 'No provider lists a model "x:y".'],
    [
      { prefer: 'best', named: 'd:away' },
      'model_unavailable',
      'd:away is not available: D needs a key: set D_API_KEY.',
    ],
    [
      { prefer: 'best', named: 'a:cheap', abilities: ['tools', 'vision'] },
      'model_lacks_ability',
      "a:cheap can't read pictures (vision).",
    ],
    [{ prefer: 'best', named: 'e:vectors' }, 'model_lacks_ability', "e:vectors can't write text."],
    [
      { prefer: 'best', abilities: ['structured_output', 'vision'] },
      'model_lacks_ability',
      'None of a:dear, a:cheap, b:unpriced and 3 more can answer in a given structure (structured_output) and read pictures (vision).',
    ],
    [
      { prefer: 'best', named: 'c:small', minQuality: 'standard' },
      'model_below_quality',
      'c:small is of demo quality, and standard is needed.',
    ],
    [
      { prefer: 'best', named: 'b:unpriced', needsPrice: true },
      'model_without_price',
      'b:unpriced has no configured price: give it one in TASKLOOM_MODELS_FILE.',
    ],
  ])('is refused for %j with %s', (need, refused, message) => {
    expect(route(CATALOGUE, need)).toEqual({ refused, message });
  });

  test('is refused with the demand that nobody is left for', () => {
    const away = CATALOGUE.map((one) => ({ ...one, available: false, reason: 'off' }));
    expect(route(away, { prefer: 'best' })).toMatchObject({
      refused: 'model_unavailable',
      message: 'None of a:dear, a:cheap, b:unpriced and 4 more is available.',
    });
    expect(route([], { prefer: 'best' })).toMatchObject({ refused: 'model_unavailable' });
  });
});

const abilities = fc.uniqueArray(fc.constantFrom<Ability>(...ABILITIES));
const quality = fc.constantFrom('demo' as const, 'standard' as const);
const micros = fc.integer({ min: 0, max: 100_000_000 });
const models = fc
  .array(
    fc.record({
      available: fc.boolean(),
      abilities,
      quality,
      price: fc.option(fc.record({ inputPerMtok: micros, outputPerMtok: micros })),
      tokensPerSecond: fc.option(fc.double({ min: 0.1, max: 1000, noNaN: true })),
    }),
    { maxLength: 12 },
  )
  .map((all) => all.map((one, i) => model(`p:${i}`, { ...one, reason: one.available ? null : 'off' })));
const needs = fc.record(
  {
    named: fc.nat(14).map((n) => `p:${n}`),
    abilities,
    minQuality: quality,
    needsPrice: fc.boolean(),
    prefer: fc.constantFrom('cheapest' as const, 'fastest' as const, 'best' as const),
  },
  { requiredKeys: ['prefer'] },
);

const meets = (one: RoutableModel, need: RouteNeed): boolean =>
  one.available &&
  (need.abilities ?? []).every((ability) => one.abilities.includes(ability)) &&
  (need.minQuality !== 'standard' || one.quality === 'standard') &&
  (!need.needsPrice || one.price !== null) &&
  (need.named === undefined || one.id === need.named);

describe('any route', () => {
  test('holds only models that meet the need, each once, or a refusal', () => {
    fc.assert(
      fc.property(models, needs, (catalogue, need) => {
        const found = route(catalogue, need);
        if ('refused' in found) return expect(found.message).toMatch(/\.$/);
        expect(found.candidates.length).toBeGreaterThan(0);
        expect(new Set(found.candidates).size).toBe(found.candidates.length);
        for (const candidate of found.candidates) expect(meets(candidate, need)).toBe(true);
      }),
    );
  });

  test('leaves out no text model that meets a need for text', () => {
    fc.assert(
      fc.property(models, needs, (catalogue, need) => {
        const ofText = catalogue.map((one) => ({
          ...one,
          abilities: one.abilities.filter((a) => a !== 'image' && a !== 'embeddings'),
        }));
        const found = route(ofText, need);
        const able = ofText.filter((one) => meets(one, need)).map(({ id }) => id);
        const ids = 'refused' in found ? [] : found.candidates.map(({ id }) => id);
        expect(ids.toSorted()).toEqual(able.toSorted());
      }),
    );
  });

  test('is the same in whatever order the catalogue comes', () => {
    fc.assert(
      fc.property(models, needs, (catalogue, need) => {
        const found = route(catalogue, need);
        const reversed = route(catalogue.toReversed(), need);
        if ('refused' in found) expect(reversed).toMatchObject({ refused: found.refused });
        else expect(reversed).toEqual(found);
      }),
    );
  });

  test('never gets dearer at its head by asking for less', () => {
    const costOf = (one: RoutableModel | undefined): number =>
      one?.price ? one.price.inputPerMtok + one.price.outputPerMtok : Infinity;
    fc.assert(
      fc.property(models, needs, (catalogue, { named: _named, ...need }) => {
        const strict = route(catalogue, { ...need, prefer: 'cheapest' });
        if ('refused' in strict || need.abilities?.some((a) => a === 'image' || a === 'embeddings')) return;
        const loose = route(catalogue, { prefer: 'cheapest' });
        if ('refused' in loose) throw new Error('asking for less found less');
        expect(costOf(loose.candidates[0])).toBeLessThanOrEqual(costOf(strict.candidates[0]));
      }),
    );
  });
});
