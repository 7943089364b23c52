import type { Request } from 'express';
import { isDatabaseAway } from '../../store/availability.ts';
import type { Store } from '../../store/store.ts';
import { findTokenOwner } from '../../store/webhooks/tokens.repository.ts';
import { requestOf } from '../http/request.ts';

/** @returns true for a request with a token of some workspace. @throws an error with status 401, or 503 while nobody can tell. */
export type AuthorizeWebhook = (req: Request) => Promise<boolean>;

const refusal = (status: 401 | 503, message: string): Error => Object.assign(new Error(message), { status });

/** The scheme `webhookToken`: another system, which may send events and nothing else. */
export const createWebhookAuthorizer =
  (store: Store): AuthorizeWebhook =>
  async (req) => {
    const owner = await findTokenOwner(store, req.get('x-webhook-token') ?? '').catch((error: unknown) => {
      throw isDatabaseAway(error) ? refusal(503, 'The token could not be checked.') : error;
    });
    if (!owner) throw refusal(401, 'X-Webhook-Token is not valid, or no longer.');
    requestOf(req).webhook = owner;
    return true;
  };
