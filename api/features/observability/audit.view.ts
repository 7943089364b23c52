import type { AuditRow } from '../../../store/audit/audit.repository.ts';
import type { components } from '../../generated/openapi.d.ts';
import { maybeTime, time } from '../../http/wire.ts';

export const auditView = (entry: AuditRow): components['schemas']['AuditEntry'] => ({
  id: entry.id,
  at: time(entry.at),
  actor_kind: entry.actor_kind,
  actor_id: entry.actor_id,
  actor_name: entry.actor_name,
  action: entry.action,
  target_type: entry.target_type,
  target_id: entry.target_id,
  detail: entry.detail,
  result: entry.result,
  request_id: entry.request_id,
  client_address: entry.client_address,
  user_agent: entry.user_agent,
  content_hash: entry.content_hash,
  sealed: entry.seal !== null,
  redacted_at: maybeTime(entry.redacted_at),
  redacted_by: entry.redacted_by,
});

const textIn = (entry: AuditRow, key: string): string | null => {
  const value = entry.detail?.[key];
  return typeof value === 'string' ? value : null;
};

export const loginView = (entry: AuditRow): components['schemas']['LoginLog'] => ({
  id: entry.id,
  at: time(entry.at),
  action: entry.action,
  result: entry.result,
  username: textIn(entry, 'username') ?? textIn(entry, 'email') ?? entry.actor_name,
  user_id: entry.actor_id ?? entry.target_id,
  reason: textIn(entry, 'reason'),
  client_address: entry.client_address,
  user_agent: entry.user_agent,
  request_id: entry.request_id,
});
