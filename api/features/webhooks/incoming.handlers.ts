import { createHash } from 'node:crypto';
import { webhookPrincipal } from '../../../domain/identity/principal.ts';
import { canonicalJson, type Json, type JsonObject } from '../../../domain/json.ts';
import { requireFresh } from '../../../domain/webhooks/incoming.ts';
import type { Store } from '../../../store/store.ts';
import { receiveEvent } from '../../../store/webhooks/inbox.ts';
import { createToken, revokeToken, tokenListing } from '../../../store/webhooks/tokens.repository.ts';
import { defineHandlers, type Input } from '../../http/operation.ts';
import { list } from '../../http/resource.ts';
import { tokenView } from './webhooks.view.ts';

/** What makes an event one: the sender's id of it, else all that was sent. */
const keyOf = (header: string | undefined, body: Input<'receiveWebhook'>['body']): string => {
  if (header !== undefined) return `header:${header}`;
  const { id } = body.data;
  if (typeof id === 'string' && id !== '' && id.length <= 200) return `data:${id}`;
  const digest = createHash('sha256').update(canonicalJson(body as unknown as Json));
  return `body:${digest.digest('hex')}`;
};

export const incomingHandlers = ({ store }: { readonly store: Store }) =>
  defineHandlers({
    listWebhookTokens: list({
      path: '/api/settings/webhooks/tokens',
      view: tokenView,
      listing: tokenListing,
    }),

    createWebhookToken: ({ body }, ctx) =>
      ctx.write(async (tx) => {
        const { token, row } = await createToken(tx, body.name);
        return { ...tokenView(row), token };
      }),

    revokeWebhookToken: ({ params }, ctx) =>
      ctx.write(async (tx) => {
        await revokeToken(tx, params.token_id);
        return undefined;
      }),

    receiveWebhook: async ({ body }, ctx) => {
      const { tokenId, workspaceId } = ctx.webhook;
      const sentAt = new Date(body.timestamp);
      requireFresh(sentAt, new Date());
      const incoming = {
        tokenId,
        key: keyOf(ctx.header('webhook-id'), body),
        event: body.event,
        sentAt,
        data: body.data as JsonObject,
      };
      await store.write(webhookPrincipal(workspaceId), (tx) => receiveEvent(tx, incoming), ctx.caller);
      return { acknowledged: true };
    },
  });
