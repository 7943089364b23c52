import { toFedModels } from '../domain/models/feed.ts';
import type { ModelSettings } from '../domain/models/price.ts';
import type { ModelListing } from '../domain/models/catalogue.ts';
import type { Log } from '../platform/logger.ts';
import { feedCatalogue } from '../store/models/catalogue.repository.ts';
import type { SystemStore } from '../store/system.ts';

const EVERY_MS = 10 * 60_000;
const LISTING_MS = 60_000;

/** What one provider says when it is asked for its models. */
export interface ProviderListing {
  readonly provider: string;
  readonly models: readonly ModelListing[];
  /** Why it could not be asked, naming what to change; null when `models` is all that it has. */
  readonly error: string | null;
}

export interface CatalogueDeps {
  readonly system: SystemStore;
  readonly log: Log;
  /** Asks every provider that is configured. */
  readonly list: (signal: AbortSignal) => Promise<readonly ProviderListing[]>;
  readonly settings: ModelSettings;
}

/** Asks the providers once and stores what they answer. @returns how many models are listed now. */
export const refreshCatalogue = async (deps: CatalogueDeps, signal: AbortSignal): Promise<number> => {
  const { settings } = deps;
  const listings = await deps.list(signal);
  const feeds = listings.map((listing) => ({
    provider: listing.provider,
    models: toFedModels(listing.models, settings),
    reason: listing.error,
  }));
  await feedCatalogue(deps.system, feeds);
  return feeds.reduce((sum, { models }) => sum + models.length, 0);
};

/** A correction of a model that nobody lists is most likely a typing error. */
const unheardOf = (listings: readonly ProviderListing[], { corrections }: ModelSettings): string[] => {
  const reachable = new Map(listings.filter(({ error }) => error === null).map((l) => [l.provider, l]));
  return corrections.flatMap(({ id }) => {
    const listing = reachable.get(id.slice(0, id.indexOf(':')));
    return listing && !listing.models.some((model) => model.id === id) ? [id] : [];
  });
};

/** Refreshes the catalogue at the start and every ten minutes. */
export const startCatalogue = (deps: CatalogueDeps): { stop(): Promise<void> } => {
  const stopping = new AbortController();
  let working: Promise<unknown> = Promise.resolve();
  let warned = '';
  const list: CatalogueDeps['list'] = async (signal) => {
    const listings = await deps.list(signal);
    const unknown = unheardOf(listings, deps.settings).join(', ');
    if (unknown !== warned && unknown !== '')
      deps.log.warn(
        { models: unknown },
        'TASKLOOM_MODELS_FILE names models that their provider does not list',
      );
    warned = unknown;
    return listings;
  };
  const refresh = (): void => {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(LISTING_MS)]);
    working = refreshCatalogue({ ...deps, list }, signal).then(
      (models) => deps.log.debug({ models }, 'the catalogue of models is fresh'),
      (error: unknown) => {
        if (!stopping.signal.aborted)
          deps.log.warn({ err: error }, 'the catalogue of models was not refreshed; it is tried again');
      },
    );
  };
  refresh();
  const timer = setInterval(refresh, EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await working;
    },
  };
};
