import type { EntityManager } from '@mikro-orm/postgresql';
import type { AuditResult } from '../domain/audit/entry.ts';
import type { Principal } from '../domain/identity/principal.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Sql } from './sql.ts';

/** Reads rows. `one` throws when there is none. */
export interface Reader {
  many<Row extends object>(query: Sql): Promise<Row[]>;
  maybe<Row extends object>(query: Sql): Promise<Row | undefined>;
  one<Row extends object>(query: Sql): Promise<Row>;
}

/** A transaction: reads, writes (`em` for entities, `run` for statements) and what follows from them. */
export interface Writer extends Reader {
  readonly principal: Principal;
  readonly em: EntityManager;
  /** Runs a statement. @returns the number of rows that it changed. */
  run(query: Sql): Promise<number>;
  /** Sends a statement that nobody waits for: it shares a round trip with the next one. Its error fails the transaction. */
  send(query: Sql): void;
  /** Appends an event to a stream; it exists, numbered, when and only when the transaction commits. */
  emit(stream: string, type: string, payload: JsonObject): void;
  /** Asks Temporal for something, at least once, in order for one workflow. */
  enqueue(message: OutboxMessage): void;
  /** Says who did what to which thing. `detail` holds before and after where there are such, and never a secret. */
  audit(
    action: string,
    targetType: string,
    targetId: string | null,
    detail: JsonObject,
    result?: AuditResult,
  ): void;
  /** Moves a total: of `kind`, in `status`, by this much. */
  count(kind: string, status: string, by: number): void;
}

export interface OutboxMessage {
  readonly workflowId: string;
  readonly kind: 'start' | 'signal' | 'cancel';
  readonly payload: JsonObject;
}
