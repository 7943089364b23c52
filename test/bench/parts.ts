import type { PartHandle } from './child.ts';

type Open = (settings: never) => Promise<PartHandle>;

/** What runs in processes of its own, loaded only there. */
const PARTS = {
  /** Bare Express: inserts a row and starts a workflow; reads a row. */
  floor: async (): Promise<Open> => (await import('./parts/floor-server.ts')).openFloorServer,
  /** A bare Temporal worker with no-op and one-insert activities. */
  worker: async (): Promise<Open> => (await import('./parts/floor-worker.ts')).openFloorWorker,
  /** Sends many requests at once. */
  load: async (): Promise<Open> => (await import('./parts/load.ts')).openLoad,
  /** The API's operations with some of their guards left out. */
  guarded: async (): Promise<Open> => (await import('./parts/guarded.ts')).openGuarded,
  /** Commits events through the store's door, and bare ones. */
  emitter: async (): Promise<Open> => (await import('./parts/emitter.ts')).openEmitter,
  /** Commits many short changes at once, with an audit entry each or without. */
  writers: async (): Promise<Open> => (await import('./parts/writers.ts')).openWriters,
  /** Listens to the API's WebSocket, and with a bare LISTEN. */
  watcher: async (): Promise<Open> => (await import('./parts/watcher.ts')).openWatcher,
  /** A model's server that streams known tokens at a fixed rate. */
  vendor: async (): Promise<Open> => (await import('./parts/vendor.ts')).openVendor,
  /** Reads those tokens over the API's WebSocket, and straight from that server. */
  reader: async (): Promise<Open> => (await import('./parts/reader.ts')).openReader,
} as const satisfies Record<string, () => Promise<Open>>;

export type PartName = keyof typeof PARTS;

/** @throws Error when there is no such part. */
export const openPart = async (name: string, settings: unknown): Promise<PartHandle> => {
  if (!Object.hasOwn(PARTS, name)) throw new Error(`there is no part "${name}"`);
  const open = await PARTS[name as PartName]();
  return open(settings as never);
};
