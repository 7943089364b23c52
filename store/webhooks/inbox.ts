import { v7 as uuidv7 } from 'uuid';
import type { JsonObject } from '../../domain/json.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import { webhookStream } from './endpoints.repository.ts';

export interface IncomingEvent {
  readonly tokenId: string;
  /** The sender's id of the event, or the digest of what it sent: seen again, it is the same event. */
  readonly key: string;
  readonly event: string;
  readonly sentAt: Date;
  readonly data: JsonObject;
}

/** Keeps an event from outside, once, where kinds of waiting find it. @returns false when it was there already. */
export const receiveEvent = async (tx: Writer, incoming: IncomingEvent): Promise<boolean> => {
  const { tokenId, key, event, sentAt, data } = incoming;
  const id = uuidv7();
  const kept = await tx.run(
    sql`insert into webhook_inbox (id, workspace_id, token_id, event_key, event, sent_at, data)
        values (${id}, ${tx.principal.workspaceId}, ${tokenId}, ${key}, ${event}, ${sentAt}, ${JSON.stringify(data)})
        on conflict (token_id, event_key) do nothing`,
  );
  if (kept === 0) return false;
  tx.send(sql`update webhook_tokens set last_used_at = now() where id = ${tokenId}`);
  tx.emit(webhookStream(tokenId), 'webhook.received', { received_id: id, token_id: tokenId, event });
  tx.audit('webhook.received', 'webhook_token', tokenId, { received_id: id, event });
  return true;
};
