import type { Ability, Quality } from './catalogue.ts';
import type { ModelPrice } from './catalogue.ts';

/** One model of the catalogue with what a choice goes by. */
export interface RoutableModel {
  readonly id: string;
  readonly available: boolean;
  /** Why it is not; null while it is. */
  readonly reason: string | null;
  readonly abilities: readonly Ability[];
  readonly quality: Quality;
  /** Null: nobody configured one. */
  readonly price: ModelPrice | null;
  /** The median of measured calls; null before the first one. */
  readonly tokensPerSecond: number | null;
}

export interface RouteNeed {
  /** `provider:name`: this model or none. Whoever names a model is never given another one. */
  readonly named?: string;
  readonly abilities?: readonly Ability[];
  readonly minQuality?: Quality;
  readonly prefer: 'cheapest' | 'fastest' | 'best';
  /** Under a budget a model without a price can't be used. */
  readonly needsPrice?: boolean;
}

export type RouteRefusal =
  | 'model_unknown'
  | 'model_unavailable'
  | 'model_lacks_ability'
  | 'model_below_quality'
  | 'model_without_price';

export type Route<Model extends RoutableModel = RoutableModel> =
  /** The first choice, then the fallbacks in their order; never empty. */
  { readonly candidates: readonly Model[] } | { readonly refused: RouteRefusal; readonly message: string };

const QUALITY_RANK: Readonly<Record<Quality, number>> = { demo: 0, standard: 1 };

const ABILITY_WORDS: Readonly<Record<Ability, string>> = {
  structured_output: 'answer in a given structure',
  tools: 'call tools',
  vision: 'read pictures',
  image: 'make pictures',
  embeddings: 'make embeddings',
};

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** Models made for embeddings, and those made for pictures alone, write no text. */
export const writes = ({ abilities }: Pick<RoutableModel, 'abilities'>): boolean =>
  !abilities.includes('embeddings') && !(abilities.length === 1 && abilities[0] === 'image');

const isForText = (needed: readonly Ability[]): boolean =>
  !needed.includes('embeddings') && !needed.includes('image');

/** One thing that the need asks for, and what to say when nobody has it. */
interface Demand {
  readonly code: RouteRefusal;
  readonly has: (model: RoutableModel) => boolean;
  /** Goes on after a model's id. */
  readonly lacks: (model: RoutableModel) => string;
  /** Goes on after "None of …". */
  readonly wanted: string;
}

const canDo = (abilities: readonly Ability[]): string =>
  abilities.length === 0
    ? 'write text'
    : listed(abilities.map((ability) => `${ABILITY_WORDS[ability]} (${ability})`));

const demandsOf = ({ abilities = [], minQuality = 'demo', needsPrice = false }: RouteNeed): Demand[] => [
  {
    code: 'model_unavailable',
    has: ({ available }) => available,
    lacks: ({ reason }) => `is not available${reason === null ? '' : `: ${reason}`}`,
    wanted: 'is available',
  },
  {
    code: 'model_lacks_ability',
    has: (model) =>
      abilities.every((ability) => model.abilities.includes(ability)) &&
      (!isForText(abilities) || writes(model)),
    lacks: (model) => `can't ${canDo(abilities.filter((ability) => !model.abilities.includes(ability)))}`,
    wanted: `can ${canDo(abilities)}`,
  },
  {
    code: 'model_below_quality',
    has: ({ quality }) => QUALITY_RANK[quality] >= QUALITY_RANK[minQuality],
    lacks: ({ quality }) => `is of ${quality} quality, and ${minQuality} is needed`,
    wanted: `is of ${minQuality} quality`,
  },
  {
    code: 'model_without_price',
    has: ({ price }) => !needsPrice || price !== null,
    lacks: () => 'has no configured price: give it one in TASKLOOM_MODELS_FILE',
    wanted: 'has a configured price: give one in TASKLOOM_MODELS_FILE',
  },
];

type Compare = (a: RoutableModel, b: RoutableModel) => number;

/** Dollars for as many tokens in as out; what nobody priced comes last. */
const costOf = ({ price }: RoutableModel): number =>
  price === null ? Infinity : price.inputPerMtok + price.outputPerMtok;

const difference = (a: number, b: number): number => (a === b ? 0 : a - b);
const byCost: Compare = (a, b) => difference(costOf(a), costOf(b));
const bySpeed: Compare = (a, b) => difference(b.tokensPerSecond ?? 0, a.tokensPerSecond ?? 0);
const byQuality: Compare = (a, b) => QUALITY_RANK[b.quality] - QUALITY_RANK[a.quality];
const byId: Compare = (a, b) => (a.id < b.id ? -1 : 1);

const ORDERS: Readonly<Record<RouteNeed['prefer'], readonly Compare[]>> = {
  cheapest: [byCost, byQuality, bySpeed, byId],
  fastest: [bySpeed, byQuality, byCost, byId],
  best: [byQuality, byCost, bySpeed, byId],
};

const inOrder =
  (compares: readonly Compare[]): Compare =>
  (a, b) => {
    for (const compare of compares) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  };

const MAX_NAMED = 3;

const refusal = (demand: Demand, left: readonly RoutableModel[]): Route<never> => {
  const [first, ...others] = left;
  if (!first)
    return { refused: demand.code, message: 'The catalogue is empty: a worker fills it when it starts.' };
  const names = left.slice(0, MAX_NAMED).map(({ id }) => id);
  const more = left.length > MAX_NAMED ? [`${left.length - MAX_NAMED} more`] : [];
  return {
    refused: demand.code,
    message:
      others.length === 0
        ? `${first.id} ${demand.lacks(first)}.`
        : `None of ${listed([...names, ...more])} ${demand.wanted}.`,
  };
};

/**
 * Which model does what is needed: all that can, the preferred one first. Unpriced and unmeasured ones come last where price
 * or speed decides; equals are ordered by id, so that the same catalogue always gives the same route.
 * @returns a refusal with the first demand that nobody left meets, where there is no such model
 */
export const route = <Model extends RoutableModel>(
  catalogue: readonly Model[],
  need: RouteNeed,
): Route<Model> => {
  const { named } = need;
  let left = named === undefined ? [...catalogue] : catalogue.filter(({ id }) => id === named);
  if (named !== undefined && left.length === 0)
    return { refused: 'model_unknown', message: `No provider lists a model "${named}".` };
  for (const demand of demandsOf(need)) {
    const able = left.filter(demand.has);
    if (able.length === 0) return refusal(demand, left);
    left = able;
  }
  return { candidates: left.toSorted(inOrder(ORDERS[need.prefer])) };
};
