import { grantToKey, maskedKey } from '../../../domain/identity/api-key.ts';
import { invalid } from '../../../domain/errors.ts';
import {
  addApiKey,
  apiKeyListing,
  renameApiKey,
  revokeApiKey,
  type ApiKeyRow,
} from '../../../store/identity/api-keys.repository.ts';
import { createKey } from '../../auth/api-keys.ts';
import type { components } from '../../generated/openapi.d.ts';
import type { Context } from '../../http/context.ts';
import { defineHandlers } from '../../http/operation.ts';
import { list } from '../../http/resource.ts';
import { maybeTime, time } from '../../http/wire.ts';

export interface ApiKeyDeps {
  /** Tells every process that somebody's rights have changed. */
  readonly rightsChanged: () => void;
}

const view = (row: ApiKeyRow): components['schemas']['ApiKey'] => ({
  id: row.id,
  name: row.name,
  partial: maskedKey(row.hint),
  scopes: [...row.scopes],
  status: row.is_expired ? 'expired' : 'active',
  owner: { id: row.user_id, name: row.user_name },
  created_at: time(row.created_at),
  expires_at: maybeTime(row.expires_at),
  last_used_at: maybeTime(row.last_used_at),
});

/** Whose keys a person may see and end: everybody's (`null`) who may change the workspace's settings, else their own. */
const ownerSeenBy = ({ principal }: Context): string | null =>
  principal.scopes.has('settings:write') ? null : principal.userId;

const endOf = (expiresAt: string | undefined): Date | null => {
  if (expiresAt === undefined) return null;
  const end = new Date(expiresAt);
  if (end.getTime() <= Date.now()) throw invalid('body.expires_at', 'must lie ahead');
  return end;
};

export const apiKeyHandlers = ({ rightsChanged }: ApiKeyDeps) => {
  const page = list({
    path: '/api/settings/api-keys',
    listing: (_query, ctx) => apiKeyListing(ownerSeenBy(ctx)),
    view,
  });
  return defineHandlers({
    listApiKeys: async (input, ctx) => {
      const body = await page(input, ctx);
      return { ...body, keys: body.items };
    },

    createApiKey: ({ body }, ctx) => {
      const scopes = grantToKey(body.scopes, ctx.principal.scopes);
      const expiresAt = endOf(body.expires_at);
      const { key, hash, hint } = createKey();
      return ctx.write(async (tx) => {
        const row = await addApiKey(tx, ctx.principal.userId, {
          name: body.name,
          hash,
          hint,
          scopes,
          expiresAt,
        });
        return { ...view(row), key };
      });
    },

    renameApiKey: ({ params, body }, ctx) =>
      ctx.write(async (tx) => view(await renameApiKey(tx, params.key_id, ownerSeenBy(ctx), body.name))),

    revokeApiKey: async ({ params }, ctx) => {
      await ctx.write((tx) => revokeApiKey(tx, params.key_id, ownerSeenBy(ctx)));
      rightsChanged();
      return undefined;
    },
  });
};
