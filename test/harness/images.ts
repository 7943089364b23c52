import { openFiles, type Files } from '../../platform/files.ts';
import { makeImage } from '../../activities/media/make-image.ts';
import { createImageModels } from '../../activities/media/image-models.ts';
import { storeImages, type ImagePlace } from '../../activities/media/store-images.ts';
import { openTitleCards } from '../../activities/media/title-card.ts';
import type { ImageRow } from '../../store/media/images.repository.ts';
import { openStore, type Store } from '../../store/store.ts';
import { sql } from '../../store/sql.ts';
import type { TestServer } from './server.ts';

export interface ImageBench {
  readonly store: Store;
  readonly files: Files;
  readonly place: ImagePlace;
  /** Draws title cards and stores them for the run, as a step of the pipeline would. */
  draw(title: string, place?: Partial<ImagePlace>): Promise<ImageRow[]>;
  make(title: string, count?: number): ReturnType<typeof makeImage>;
  close(): Promise<void>;
}

/** All that a worker needs to make images for a run of a test server. */
export const openImageBench = async (server: TestServer, runId: string): Promise<ImageBench> => {
  const store = await openStore(server.config.database.app ?? '', { name: 'test-images' });
  const files = openFiles(server.config.files);
  const titleCards = openTitleCards();
  const imageModels = createImageModels({ ...server.config.images, chosen: null });
  const [run] = await server.system.many<{ workspace_id: string }>(
    sql`select workspace_id from runs where id = ${runId}`,
  );
  const place: ImagePlace = {
    workspaceId: run?.workspace_id ?? '',
    runId,
    stepPath: 'image.0/0',
    contentId: null,
    prompt: 'A fern',
    style: 'illustration',
  };
  const make: ImageBench['make'] = (title, count = 1) =>
    makeImage(
      { titleCards, imageModels },
      { prompt: '', title, category: null, siteName: 'Journal', style: null, alt: null, count },
      new AbortController().signal,
    );
  return {
    store,
    files,
    place,
    make,
    draw: async (title, change = {}) =>
      storeImages({ store, files }, { ...place, ...change }, (await make(title)).images),
    close: async () => {
      await titleCards.close();
      await store.close();
    },
  };
};
