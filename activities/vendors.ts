import type { Config } from '../platform/config.ts';
import { openFiles, type Files } from '../platform/files.ts';
import type { Log } from '../platform/logger.ts';
import { createImageModels, type ImageModels } from './media/image-models.ts';
import { openTitleCards, type TitleCards } from './media/title-card.ts';
import { createEmbedder, noEmbedder, type Embedder } from './models/providers/embeddings.ts';
import { createModels, type Models } from './models/registry.ts';
import { createResearch, type Research } from './research/research.ts';

/** Everything outside the database that activities work with; each is opened when it is first used. */
export interface Vendors {
  readonly models: Models;
  readonly embedder: Embedder;
  readonly research: Research;
  readonly imageModels: ImageModels;
  readonly titleCards: TitleCards;
  readonly files: Files;
}

/** The vendors that an installation has configured. @returns them, and how to end what they have started. */
export const openVendors = (
  config: Config,
  log: Log,
): { readonly vendors: Vendors; readonly close: () => Promise<void> } => {
  const models = createModels(config, { log });
  const embedder = config.embeddings ? createEmbedder({ log }) : noEmbedder;
  const titleCards = openTitleCards();
  return {
    vendors: {
      models,
      embedder,
      titleCards,
      research: createResearch(config, { log }),
      imageModels: createImageModels(config.images),
      files: openFiles(config.files),
    },
    close: async () => {
      await Promise.all([models.close(), embedder.close(), titleCards.close()]);
    },
  };
};
