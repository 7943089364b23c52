import type { DeliveryRow } from '../../../store/webhooks/deliveries.repository.ts';
import type { EndpointRow } from '../../../store/webhooks/endpoints.repository.ts';
import type { TokenRow } from '../../../store/webhooks/tokens.repository.ts';
import type { components } from '../../generated/openapi.d.ts';
import { maybeTime, time } from '../../http/wire.ts';

export const webhookView = (row: EndpointRow): components['schemas']['Webhook'] => ({
  id: row.id,
  url: row.url,
  description: row.description,
  events: row.events,
  active: row.active,
  disabled_reason: row.disabled_reason,
  former_secret_until: maybeTime(row.former_until),
  last_success_at: maybeTime(row.last_success_at),
  last_failure_at: maybeTime(row.last_failure_at),
  created_at: time(row.created_at),
  updated_at: time(row.updated_at),
});

export const deliveryView = (row: DeliveryRow): components['schemas']['WebhookDelivery'] => ({
  id: row.id,
  webhook_id: row.endpoint_id,
  message_id: `msg_${row.message_id}`,
  event: row.type,
  stream: row.stream,
  attempt: row.attempt,
  state: row.state,
  started_at: time(row.started_at),
  latency_ms: row.latency_ms,
  http_status: row.http_status,
  error: row.error,
  answer: row.answer,
  next_attempt_at: maybeTime(row.next_attempt_at),
});

export const tokenView = (row: TokenRow): components['schemas']['WebhookToken'] => ({
  id: row.id,
  name: row.name,
  created_at: time(row.created_at),
  last_used_at: maybeTime(row.last_used_at),
  revoked_at: maybeTime(row.revoked_at),
});
