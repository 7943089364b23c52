import { TEST_EVENT } from '../../../domain/webhooks/events.ts';
import { answerTimeout } from '../../../domain/webhooks/schedule.ts';
import type { WebhookSender } from '../../../platform/webhook-sender.ts';
import { recordAttempt } from '../../../store/webhooks/attempts.ts';
import {
  beginTest,
  deliveryListing,
  redeliver,
  requireDelivery,
  type DeliveryRow,
} from '../../../store/webhooks/deliveries.repository.ts';
import { requireEndpoint } from '../../../store/webhooks/endpoints.repository.ts';
import { readPage } from '../../../store/page.ts';
import { defineHandlers } from '../../http/operation.ts';
import { toPageBody, toPageRequest } from '../../http/page.ts';
import { deliveryView } from './webhooks.view.ts';

export interface DeliveryDeps {
  readonly sender: WebhookSender;
  /** How fast the waiting of webhooks passes: 1 but in tests. */
  readonly webhookTimeScale: number;
  readonly publicUrl: string;
}

const testBody = (webhookId: string, now: Date, publicUrl: string): string =>
  JSON.stringify({
    type: TEST_EVENT,
    timestamp: now.toISOString(),
    data: { webhook_id: webhookId, links: { webhook: `${publicUrl}/api/settings/webhooks/${webhookId}` } },
  });

export const deliveryHandlers = ({ sender, webhookTimeScale: scale, publicUrl }: DeliveryDeps) =>
  defineHandlers({
    listWebhookDeliveries: ({ params, query }, ctx) => {
      const listing = deliveryListing(params.webhook_id, query.state);
      const request = toPageRequest(query, listing.order);
      const path = `/api/settings/webhooks/${params.webhook_id}/deliveries`;
      return ctx.read(async (db) => {
        await requireEndpoint(db, params.webhook_id);
        const page = await readPage<DeliveryRow>(db, listing, request);
        return toPageBody(page, deliveryView, { path, query, request });
      });
    },

    redeliverWebhook: ({ params }, ctx) =>
      ctx.write(async (tx) => deliveryView(await redeliver(tx, params.webhook_id, params.delivery_id))),

    testWebhook: async ({ params }, ctx) => {
      const id = params.webhook_id;
      const attempt = await ctx.write((tx) => beginTest(tx, id, testBody(id, new Date(), publicUrl)));
      const outcome = await sender.send({ ...attempt, timeoutMs: answerTimeout(scale) });
      return ctx.write(async (tx) => {
        await recordAttempt(tx, attempt, outcome, { scale, now: new Date() });
        return deliveryView(await requireDelivery(tx, id, attempt.deliveryId));
      });
    },
  });
