import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { workerPrincipal } from '../domain/identity/principal.ts';
import type { Log } from '../platform/logger.ts';
import { Wakeable } from '../platform/wakeable.ts';
import type { LiveBus } from '../store/live/bus.ts';
import type { Store } from '../store/store.ts';
import type { SystemStore } from '../store/system.ts';
import {
  deliveriesWorkflow,
  lockEndpoint,
  pokeDeliveries,
  restartDeliveries,
} from '../store/webhooks/endpoints.repository.ts';
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
  readonly client: Client;
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

const isCarried = async (client: Client, workflowId: string): Promise<boolean> => {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
};

/**
 * Looks after endpoints with a message whose turn was a while ago: one whose workflow was ended by hand, or lost with
 * Temporal's file, gets another, one that has its own is poked. @returns how many got another.
 */
export const reviveWebhooks = async (deps: WebhookWakerDeps, seconds: number): Promise<number> => {
  let revived = 0;
  for (const ref of await endpointsOverdue(deps.system, seconds)) {
    const carried = await isCarried(deps.client, deliveriesWorkflow(ref));
    await deps.store.write(workerPrincipal(ref.workspace_id), async (tx) => {
      const endpoint = await lockEndpoint(tx, ref.id);
      if (!endpoint?.active || endpoint.generation !== ref.generation) return;
      if (carried) return pokeDeliveries(tx, endpoint);
      await restartDeliveries(tx, endpoint);
      revived++;
    });
  }
  return revived;
};

/**
 * Turns what happens into messages for the endpoints that asked for it, a moment after it has its place in the feed. Where no
 * endpoint is active a look reads an empty index. Every worker looks; the endpoint's lock makes each message one.
 */
export const startWebhookWaker = (deps: WebhookWakerDeps): { stop(): Promise<void> } => {
  let overdueAt = 0;
  const trouble = (error: unknown): void =>
    deps.log.warn({ err: error }, 'webhooks were not looked after; it is tried again in a moment');
  const collectAll = async (): Promise<boolean> => {
    let more = false;
    for (const ref of await endpointsBehind(deps.system))
      // One that can't be looked after is not in the way of the others.
      more = (await collect(deps, ref).catch(trouble)) === true || more;
    return more;
  };
  const look = async (): Promise<boolean> => {
    try {
      if (Date.now() >= overdueAt) {
        overdueAt = Date.now() + OVERDUE_EVERY_MS;
        await reviveWebhooks(deps, OVERDUE_SECONDS).catch(trouble);
      }
      return await collectAll();
    } catch (error) {
      trouble(error);
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
