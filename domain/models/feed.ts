import type { ModelListing, ModelPrice } from './catalogue.ts';
import { knownContextWindow } from './context-windows.ts';
import { priceOf, type ModelSettings, type PriceSource } from './price.ts';

/** One model as the catalogue keeps it: what its provider says, corrected and priced by the installation. */
export interface FedModel extends ModelListing {
  readonly price: ModelPrice | null;
  readonly priceSource: PriceSource | null;
}

/** Vendors' numbers come as they are; the catalogue takes whole ones. */
const whole = (value: number | null): number | null =>
  value !== null && Number.isSafeInteger(value) && value > 0 ? value : null;

/** Corrects and prices what a provider lists. A correction wins over the provider, which wins over what is known. */
export const toFedModels = (listings: readonly ModelListing[], settings: ModelSettings): FedModel[] => {
  const corrections = new Map(settings.corrections.map((correction) => [correction.id, correction]));
  return listings.map((listing) => {
    const { price: _price, ...correction } = corrections.get(listing.id) ?? { id: listing.id };
    const priced = priceOf(listing, settings);
    return {
      ...listing,
      contextWindow: whole(listing.contextWindow) ?? knownContextWindow(listing.provider, listing.name),
      maxOutputTokens: whole(listing.maxOutputTokens),
      sizeBytes: whole(listing.sizeBytes),
      parameters: whole(listing.parameters),
      ...correction,
      price: priced?.price ?? null,
      priceSource: priced?.source ?? null,
    };
  });
};
