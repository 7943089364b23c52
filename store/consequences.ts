import { randomInt } from 'node:crypto';
import type { AuditResult, ClientInfo } from '../domain/audit/entry.ts';
import type { Principal } from '../domain/identity/principal.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { sql, type Sql } from './sql.ts';

/** Totals are spread over this many rows each, so that concurrent writers rarely wait for one another. */
const COUNTER_SLOTS = 16;

/** The request that asked for a change; empty where none did. */
export interface RequestOrigin {
  readonly requestId?: string | undefined;
  readonly client?: ClientInfo | undefined;
}

/** What others learn from a commit: the streams that grew, those whose run was cancelled, and whether something waits in the outbox. */
export interface Committed {
  readonly workspaceId: string;
  readonly streams: readonly string[];
  readonly cancelled: readonly string[];
  readonly outbox: boolean;
}

/** What a transaction leaves behind besides its own rows. Collected while it runs, written in one statement at its end. */
export class Consequences {
  readonly events: { stream: string; type: string; payload: JsonObject }[] = [];
  readonly outbox: { workflow_id: string; kind: string; payload: JsonObject }[] = [];
  readonly #audit: Record<string, Json>[] = [];
  readonly #counts = new Map<string, { kind: string; status: string; by: number }>();
  readonly #workspaceId: string;
  readonly #request: RequestOrigin;

  constructor(workspaceId: string, request: RequestOrigin) {
    this.#workspaceId = workspaceId;
    this.#request = request;
  }

  addAudit(
    principal: Principal,
    action: string,
    targetType: string,
    targetId: string | null,
    detail: JsonObject,
    result: AuditResult = 'success',
  ): void {
    this.#audit.push({
      actor_kind: principal.kind,
      actor_id: principal.userId,
      action,
      target_type: targetType,
      target_id: targetId,
      detail: principal.apiKeyId === undefined ? detail : { ...detail, api_key_id: principal.apiKeyId },
      result,
      request_id: this.#request.requestId ?? null,
      client_address: this.#request.client?.address ?? null,
      user_agent: this.#request.client?.userAgent ?? null,
    });
  }

  addCount(kind: string, status: string, by: number): void {
    const key = `${kind}/${status}`;
    this.#counts.set(key, { kind, status, by: by + (this.#counts.get(key)?.by ?? 0) });
  }

  isEmpty(): boolean {
    return this.events.length + this.outbox.length + this.#audit.length + this.#counts.size === 0;
  }

  statement(): Sql {
    const slot = randomInt(COUNTER_SLOTS);
    const counts = [...this.#counts.values()]
      .filter(({ by }) => by !== 0)
      .map((count) => ({ ...count, slot }));
    const json = (value: unknown): string => JSON.stringify(value);
    return sql`select record_consequences(${this.#workspaceId}, ${json(this.events)}, ${json(this.outbox)},
      ${json(this.#audit)}, ${json(counts)})`;
  }

  committed(): Committed | undefined {
    if (this.events.length + this.outbox.length === 0) return undefined;
    const streams = [...new Set(this.events.map((event) => event.stream))];
    const cancelled = this.events.filter(({ type }) => type === 'run.cancelled').map(({ stream }) => stream);
    return { workspaceId: this.#workspaceId, streams, cancelled, outbox: this.outbox.length > 0 };
  }
}
