import { v7 as uuidv7 } from 'uuid';
import { nextTry, retryAfter } from '../../domain/webhooks/schedule.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import {
  deactivate,
  lockEndpoint,
  webhookStream,
  type DisabledReason,
  type EndpointRow,
} from './endpoints.repository.ts';

/** A try that has begun: what to send, and the row of the log that will tell how it went. */
export interface Attempt {
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly messageId: string;
  readonly url: string;
  /** Sealed. */
  readonly secrets: readonly string[];
  readonly body: string;
}

/** How a try went. */
export interface AttemptOutcome {
  readonly status: number | null;
  readonly error: string | null;
  readonly answer: string;
  readonly retryAfter: string | undefined;
  readonly latencyMs: number;
}

interface MessageRow {
  readonly id: string;
  readonly state: 'pending' | 'delivered' | 'given_up';
  readonly attempts: number;
  readonly failures: number;
  readonly first_at: Date | null;
  readonly elapsed_ms: number;
  readonly is_due: boolean;
  readonly asked: boolean;
  readonly body: string;
}

const lockMessage = (tx: Writer, id: string): Promise<MessageRow | undefined> =>
  tx.maybe<MessageRow>(
    sql`select id, state, attempts, failures, first_at, next_at <= now() as is_due, asked_at is not null as asked, body,
               coalesce(extract(epoch from now() - first_at) * 1000, 0)::float8 as elapsed_ms
          from webhook_messages where id = ${id} for update`,
  );

/** Opens a row of the log. Tries of the message that never told their end were lost with their worker. */
export const openAttempt = async (
  tx: Writer,
  endpoint: Pick<EndpointRow, 'id' | 'url' | 'workspace_id'>,
  message: { readonly id: string; readonly attempts: number; readonly body: string },
): Promise<Attempt> => {
  const deliveryId = uuidv7();
  tx.send(
    sql`update webhook_deliveries set state = 'unknown', error = 'interrupted' where message_id = ${message.id} and state = 'sending'`,
  );
  tx.send(
    sql`insert into webhook_deliveries (id, workspace_id, endpoint_id, message_id, attempt)
        values (${deliveryId}, ${endpoint.workspace_id}, ${endpoint.id}, ${message.id}, ${message.attempts + 1})`,
  );
  tx.send(
    sql`update webhook_messages set attempts = attempts + 1, first_at = coalesce(first_at, now()) where id = ${message.id}`,
  );
  const { secret, former } = await tx.one<{ secret: string; former: string | null }>(
    sql`select secret, case when former_until > now() then former_secret end as former from webhook_endpoints where id = ${endpoint.id}`,
  );
  return {
    deliveryId,
    endpointId: endpoint.id,
    messageId: message.id,
    url: endpoint.url,
    secrets: former === null ? [secret] : [secret, former],
    body: message.body,
  };
};

/** Begins a try of a message, unless there is nothing to send any more: the endpoint rests, or another try was faster. */
export const beginAttempt = async (
  tx: Writer,
  endpointId: string,
  messageId: string,
): Promise<Attempt | undefined> => {
  const endpoint = await lockEndpoint(tx, endpointId);
  if (!endpoint?.active) return undefined;
  const message = await lockMessage(tx, messageId);
  if (!message || !(message.asked || (message.state === 'pending' && message.is_due))) return undefined;
  return openAttempt(tx, endpoint, message);
};

const closeDelivery = (
  tx: Writer,
  id: string,
  state: 'delivered' | 'failed' | 'given_up',
  outcome: AttemptOutcome,
  nextMs: number | null,
): void =>
  tx.send(
    sql`update webhook_deliveries
           set state = ${state}, latency_ms = ${outcome.latencyMs}, http_status = ${outcome.status}, error = ${outcome.error},
               answer = ${outcome.answer}, next_attempt_at = now() + make_interval(secs => ${nextMs === null ? null : nextMs / 1000}::float8)
         where id = ${id}`,
  );

/** Nobody is told any more until a person makes it active again. */
const disable = (tx: Writer, endpoint: EndpointRow, reason: DisabledReason): void => {
  if (!endpoint.active) return;
  deactivate(tx, endpoint, reason);
  tx.emit(webhookStream(endpoint.id), 'webhook.disabled', { webhook_id: endpoint.id, reason });
  tx.audit('webhook.disabled', 'webhook', endpoint.id, { reason });
};

const succeed = (tx: Writer, attempt: Attempt, outcome: AttemptOutcome): void => {
  closeDelivery(tx, attempt.deliveryId, 'delivered', outcome, null);
  tx.send(
    sql`update webhook_messages set state = 'delivered', asked_at = null where id = ${attempt.messageId}`,
  );
  tx.send(sql`update webhook_endpoints set last_success_at = now() where id = ${attempt.endpointId}`);
};

/** A message that had come to its end was sent once more, on request: that changes nothing but the log. */
const failAgain = (tx: Writer, attempt: Attempt, outcome: AttemptOutcome): void => {
  closeDelivery(tx, attempt.deliveryId, 'failed', outcome, null);
  tx.send(sql`update webhook_messages set asked_at = null where id = ${attempt.messageId}`);
};

const giveUp = (tx: Writer, attempt: Attempt, outcome: AttemptOutcome): void => {
  closeDelivery(tx, attempt.deliveryId, 'given_up', outcome, null);
  tx.send(
    sql`update webhook_messages set state = 'given_up', failures = failures + 1, asked_at = null where id = ${attempt.messageId}`,
  );
};

/**
 * Notes how a try went and what follows: the end of the message, its next try, or the end of an endpoint that answers
 * nothing any more.
 * @param clock how fast time passes, and what time it is for dates that the receiver names.
 */
export const recordAttempt = async (
  tx: Writer,
  attempt: Attempt,
  outcome: AttemptOutcome,
  clock: { readonly scale: number; readonly now: Date },
): Promise<void> => {
  const endpoint = await lockEndpoint(tx, attempt.endpointId);
  const message = endpoint && (await lockMessage(tx, attempt.messageId));
  if (!message) return;
  const { status } = outcome;
  if (status !== null && status >= 200 && status < 300) return succeed(tx, attempt, outcome);
  tx.send(sql`update webhook_endpoints set last_failure_at = now() where id = ${endpoint.id}`);
  if (status === 410) {
    if (message.state === 'pending') giveUp(tx, attempt, outcome);
    else failAgain(tx, attempt, outcome);
    return disable(tx, endpoint, 'gone');
  }
  if (message.state !== 'pending') return failAgain(tx, attempt, outcome);
  const asked = status === 429 || status === 503 ? retryAfter(outcome.retryAfter, clock.now) : null;
  const waitMs = nextTry(message.failures + 1, message.elapsed_ms, asked, clock.scale);
  if (waitMs === null) {
    giveUp(tx, attempt, outcome);
    const silentSince = endpoint.last_success_at;
    if (silentSince === null || message.first_at === null || silentSince < message.first_at)
      disable(tx, endpoint, 'failing');
    return;
  }
  closeDelivery(tx, attempt.deliveryId, 'failed', outcome, waitMs);
  tx.send(
    sql`update webhook_messages set failures = failures + 1, asked_at = null, next_at = now() + make_interval(secs => ${waitMs / 1000})
         where id = ${message.id}`,
  );
};
