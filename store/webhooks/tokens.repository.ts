import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { notFound } from '../../domain/errors.ts';
import type { Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Store, Writer } from '../store.ts';
import { newestWebhooks } from './endpoints.repository.ts';

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
}

const COLUMNS = sql`k.id, k.name, k.created_at, k.last_used_at, k.revoked_at`;
const TOKEN = /^whtok_([\da-f]{32})_[\w-]{43}$/;

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');

export const tokenListing = (): Listing => ({
  columns: COLUMNS,
  from: sql`webhook_tokens k`,
  where: [],
  order: newestWebhooks(sql`k.created_at`, sql`k.id`),
});

/** Makes a token of which only the digest is kept. @returns it, this once. */
export const createToken = async (tx: Writer, name: string): Promise<{ token: string; row: TokenRow }> => {
  const id = uuidv7();
  const token = `whtok_${id.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`;
  const row = await tx.one<TokenRow>(
    sql`insert into webhook_tokens as k (id, workspace_id, name, token_hash, created_by)
        values (${id}, ${tx.principal.workspaceId}, ${name}, ${digest(token)}, ${tx.principal.userId}) returning ${COLUMNS}`,
  );
  tx.audit('webhook_token.create', 'webhook_token', id, { name });
  return { token, row };
};

/** Ends a token at once; its row stays for what came by it. @throws DomainError not_found. */
export const revokeToken = async (tx: Writer, id: string): Promise<void> => {
  const revoked = await tx.run(
    sql`update webhook_tokens set revoked_at = now() where id = ${id} and revoked_at is null`,
  );
  if (revoked === 0) throw notFound('webhook token', id);
  tx.audit('webhook_token.revoke', 'webhook_token', id, {});
};

/** Whoever sends events from outside. */
export interface WebhookCaller {
  readonly tokenId: string;
  readonly workspaceId: string;
}

/** An unknown id takes the same comparison as a wrong secret. */
const DECOY = digest('a token that nobody has');

/** Who a token belongs to; `undefined` when it is forged or revoked. Compared in constant time. */
export const findTokenOwner = async (store: Store, token: string): Promise<WebhookCaller | undefined> => {
  const hex = TOKEN.exec(token)?.[1];
  if (hex === undefined) return undefined;
  const tokenId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const row = await store.beforeWorkspace<{ workspace_id: string; token_hash: string }>(
    sql`select workspace_id, token_hash from webhook_token_by_id(${tokenId})`,
  );
  const isEqual = timingSafeEqual(Buffer.from(digest(token)), Buffer.from(row?.token_hash ?? DECOY));
  return row && isEqual ? { tokenId, workspaceId: row.workspace_id } : undefined;
};
