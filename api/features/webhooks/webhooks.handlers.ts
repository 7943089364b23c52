import { invalid } from '../../../domain/errors.ts';
import { requireKnownEvents } from '../../../domain/webhooks/events.ts';
import { SECRET_OVERLAP_HOURS } from '../../../domain/webhooks/schedule.ts';
import type { WebhookSender } from '../../../platform/webhook-sender.ts';
import {
  createEndpoint,
  deleteEndpoint,
  endpointListing,
  requireEndpoint,
  rotateSecret,
  updateEndpoint,
} from '../../../store/webhooks/endpoints.repository.ts';
import { defineHandlers } from '../../http/operation.ts';
import { item, list } from '../../http/resource.ts';
import { webhookView } from './webhooks.view.ts';

/** @throws DomainError validation for an address that the guard refuses. */
const requireCallable = async (sender: WebhookSender, url: string | undefined): Promise<void> => {
  const refusal = url === undefined ? undefined : await sender.refusal(url);
  if (refusal !== undefined) throw invalid('body.url', refusal);
};

export const webhookHandlers = ({ sender }: { readonly sender: WebhookSender }) =>
  defineHandlers({
    listWebhooks: list({ path: '/api/settings/webhooks', view: webhookView, listing: endpointListing }),

    createWebhook: async ({ body }, ctx) => {
      requireKnownEvents(body.events);
      await requireCallable(sender, body.url);
      return ctx.write(async (tx) => {
        let secret = '';
        const input = {
          url: body.url,
          events: body.events,
          active: body.active,
          description: body.description ?? null,
        };
        const row = await createEndpoint(tx, input, (id) => {
          const made = sender.newSecret(id);
          secret = made.secret;
          return made.sealed;
        });
        return { ...webhookView(row), secret };
      });
    },

    getWebhook: item('webhook_id', requireEndpoint, webhookView),

    updateWebhook: async ({ params, body }, ctx) => {
      await ctx.read((db) => requireEndpoint(db, params.webhook_id));
      if (body.events) requireKnownEvents(body.events);
      await requireCallable(sender, body.url);
      return ctx.write(async (tx) => webhookView(await updateEndpoint(tx, params.webhook_id, body)));
    },

    deleteWebhook: ({ params }, ctx) =>
      ctx.write(async (tx) => {
        await deleteEndpoint(tx, params.webhook_id);
        return undefined;
      }),

    rotateWebhookSecret: ({ params }, ctx) =>
      ctx.write(async (tx) => {
        const { secret, sealed } = sender.newSecret(params.webhook_id);
        const row = await rotateSecret(tx, params.webhook_id, sealed, SECRET_OVERLAP_HOURS);
        return { ...webhookView(row), secret };
      }),
  });
