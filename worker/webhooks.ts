import { workerPrincipal } from '../domain/identity/principal.ts';
import type { Log } from '../platform/logger.ts';
import { Wakeable } from '../platform/wakeable.ts';
import type { LiveBus } from '../store/live/bus.ts';
import type { Store } from '../store/store.ts';
import type { SystemStore } from '../store/system.ts';
import { lockEndpoint, pokeDeliveries, startDeliveries } from '../store/webhooks/endpoints.repository.ts';
import { collectMessages } from '../store/webhooks/queue.ts';
import { endpointsBehind, endpointsOverdue, type EndpointRef } from '../store/webhooks/waking.ts';

/** Hints of a moment are one look. */
const GATHER_MS = 100;
const SAFETY_POLL_MS = 5_000;
const OVERDUE_SECONDS = 60;
const OVERDUE_EVERY_MS = 30_000;

export interface WebhookWakerDeps {
  readonly system: SystemStore;
  readonly store: Store;
  readonly bus: LiveBus;
  readonly log: Log;
  readonly publicUrl: string;
}

/** Makes messages of what an endpoint asked for; its workflow is told only when there are any. @returns whether there may be more events. */
const collect = ({ store, publicUrl }: WebhookWakerDeps, ref: EndpointRef): Promise<boolean> =>
  store.write(workerPrincipal(ref.workspace_id), async (tx) => {
    const endpoint = await lockEndpoint(tx, ref.id);
    if (!endpoint?.active) return false;
    const { collected, more } = await collectMessages(tx, endpoint, publicUrl);
    if (collected > 0) pokeDeliveries(tx, endpoint);
    return more;
  });

/** Temporal may have lost the workflow, with its file or by hand: a start of one that runs is none. */
const restart = ({ store }: WebhookWakerDeps, ref: EndpointRef): Promise<void> =>
  store.write(workerPrincipal(ref.workspace_id), async (tx) => {
    const endpoint = await lockEndpoint(tx, ref.id);
    if (!endpoint?.active) return;
    startDeliveries(tx, endpoint);
    pokeDeliveries(tx, endpoint);
  });

/**
 * Turns what happens into messages for the endpoints that asked for it, a moment after it has its place in the feed. Where no
 * endpoint is active a look reads an empty index. Every worker looks; the endpoint's lock makes each message one.
 */
export const startWebhookWaker = (deps: WebhookWakerDeps): { stop(): Promise<void> } => {
  let overdueAt = 0;
  const look = async (): Promise<boolean> => {
    try {
      let more = false;
      for (const ref of await endpointsBehind(deps.system)) more = (await collect(deps, ref)) || more;
      if (Date.now() >= overdueAt) {
        overdueAt = Date.now() + OVERDUE_EVERY_MS;
        for (const ref of await endpointsOverdue(deps.system, OVERDUE_SECONDS)) await restart(deps, ref);
      }
      return more;
    } catch (error) {
      deps.log.warn({ err: error }, 'webhooks were not looked after; it is tried again in a moment');
      return false;
    }
  };
  const waker = new Wakeable(look, SAFETY_POLL_MS);
  let gathering: NodeJS.Timeout | undefined;
  const off = deps.bus.on('taskloom_pos', () => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      waker.wake();
    }, GATHER_MS);
  });
  waker.start();
  return {
    stop: async () => {
      off();
      clearTimeout(gathering);
      await waker.stop();
    },
  };
};
