import { v7 as uuidv7 } from 'uuid';
import { conflict, notFound } from '../../domain/errors.ts';
import { TEST_EVENT } from '../../domain/webhooks/events.ts';
import type { Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';
import { openAttempt, type Attempt } from './attempts.ts';
import { newestWebhooks, pokeDeliveries, requireEndpoint, webhookStream } from './endpoints.repository.ts';

export type DeliveryState = 'sending' | 'delivered' | 'failed' | 'given_up' | 'unknown';

/** One try of one message. */
export interface DeliveryRow {
  readonly id: string;
  readonly endpoint_id: string;
  readonly message_id: string;
  readonly type: string;
  readonly stream: string;
  readonly attempt: number;
  readonly state: DeliveryState;
  readonly started_at: Date;
  readonly latency_ms: number | null;
  readonly http_status: number | null;
  readonly error: string | null;
  readonly answer: string | null;
  readonly next_attempt_at: Date | null;
}

const COLUMNS = sql`d.id, d.endpoint_id, d.message_id, m.type, m.stream, d.attempt, d.state, d.started_at, d.latency_ms, d.http_status,
  d.error, d.answer, d.next_attempt_at`;
const FROM = sql`webhook_deliveries d join webhook_messages m on m.id = d.message_id`;

export const deliveryListing = (endpointId: string, state: DeliveryState | undefined): Listing => ({
  columns: COLUMNS,
  from: FROM,
  where: [sql`d.endpoint_id = ${endpointId}`, ...(state === undefined ? [] : [sql`d.state = ${state}`])],
  order: newestWebhooks(sql`d.started_at`, sql`d.id`),
});

/** @throws DomainError not_found. */
export const requireDelivery = async (db: Reader, endpointId: string, id: string): Promise<DeliveryRow> => {
  const row = await db.maybe<DeliveryRow>(
    sql`select ${COLUMNS} from ${FROM} where d.id = ${id} and d.endpoint_id = ${endpointId}`,
  );
  if (!row) throw notFound('delivery', id);
  return row;
};

/**
 * Has the message of a delivery sent once more, under its own id: at once where it had come to its end, else its next try
 * comes now, when its turn in its stream is.
 * @throws DomainError not_found, or conflict `webhook_inactive`.
 */
export const redeliver = async (tx: Writer, endpointId: string, deliveryId: string): Promise<DeliveryRow> => {
  const endpoint = await requireEndpoint(tx, endpointId);
  const delivery = await requireDelivery(tx, endpointId, deliveryId);
  if (!endpoint.active)
    throw conflict('webhook_inactive', 'This webhook is not active: make it active before you redeliver.');
  tx.send(
    sql`update webhook_messages set asked_at = case when state <> 'pending' then now() end,
               next_at = case when state = 'pending' then now() else next_at end
         where id = ${delivery.message_id}`,
  );
  tx.audit('webhook.redeliver', 'webhook', endpointId, {
    delivery_id: deliveryId,
    message_id: delivery.message_id,
  });
  pokeDeliveries(tx, endpoint);
  return delivery;
};

/** Begins the only try of a test event. @throws DomainError not_found. */
export const beginTest = async (tx: Writer, endpointId: string, body: string): Promise<Attempt> => {
  const endpoint = await requireEndpoint(tx, endpointId);
  const id = uuidv7();
  // Its end is noted before it begins, so that nothing tries it again.
  tx.send(
    sql`insert into webhook_messages (id, workspace_id, endpoint_id, stream, type, body, state)
        values (${id}, ${endpoint.workspace_id}, ${endpointId}, ${webhookStream(endpointId)}, ${TEST_EVENT}, ${body}, 'given_up')`,
  );
  tx.audit('webhook.test', 'webhook', endpointId, { message_id: id });
  return openAttempt(tx, endpoint, { id, attempts: 0, body });
};
