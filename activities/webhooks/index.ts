import { answerTimeout } from '../../domain/webhooks/schedule.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { whileDatabaseAway } from '../../store/availability.ts';
import { beginAttempt, recordAttempt } from '../../store/webhooks/attempts.ts';
import { planDeliveries, type DeliveryPlan } from '../../store/webhooks/queue.ts';
import type { MessageInput, PlanInput } from '../../workflows/webhooks/messages.ts';
import type { ActivityDeps } from '../runtime.ts';

/** For how long the answer of a receiver is kept while the database is away. */
const PATIENCE_MS = 3_000;

/** The database's part: what is due. */
export const createWebhookActivities = ({ store, publicUrl }: ActivityDeps) => ({
  planWebhooks: (input: PlanInput): Promise<DeliveryPlan> =>
    store.write(workerPrincipal(input.workspace_id), (tx) =>
      planDeliveries(
        tx,
        { endpointId: input.endpoint_id, generation: input.generation },
        { busy: input.busy, atOnce: input.at_once, publicUrl },
      ),
    ),
});

/** The network's part. */
export const createDeliveryActivities = ({ store, webhooks }: ActivityDeps) => ({
  /** Sends a message once and notes how it went. A repeated call is another try, with a row of its own. */
  deliverWebhook: async (input: MessageInput): Promise<void> => {
    const principal = workerPrincipal(input.workspace_id);
    const attempt = await store.write(principal, (tx) =>
      beginAttempt(tx, input.endpoint_id, input.message_id),
    );
    if (!attempt) return;
    const { timeScale: scale } = webhooks;
    const outcome = await webhooks.sender.send({ ...attempt, timeoutMs: answerTimeout(scale) });
    await whileDatabaseAway(AbortSignal.timeout(PATIENCE_MS), () =>
      store.write(principal, (tx) => recordAttempt(tx, attempt, outcome, { scale, now: new Date() })),
    );
  },
});

export type WebhookActivities = ReturnType<typeof createWebhookActivities>;
export type DeliveryActivities = ReturnType<typeof createDeliveryActivities>;
