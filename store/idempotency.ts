import { DomainError, conflict } from '../domain/errors.ts';
import type { Json } from '../domain/json.ts';
import { sql } from './sql.ts';
import type { Writer } from './doors.ts';

/** One use of an `Idempotency-Key`. */
export interface IdempotencyClaim {
  readonly method: string;
  readonly path: string;
  readonly key: string;
  /** Digest of the request's body: the same key with another body is a mistake of the client. */
  readonly requestHash: string;
  /** The status with which the answer will be sent. */
  readonly status: (answer: unknown) => number;
  readonly bodyOf: (answer: unknown) => Json;
}

/** Thrown to leave the transaction when the key has an answer already: the adapter sends that one. */
export class Replay extends Error {
  override readonly name = 'Replay';
  readonly status: number;
  readonly body: Json;

  constructor(status: number, body: Json) {
    super('This request has been answered before');
    this.status = status;
    this.body = body;
  }
}

/**
 * Takes the key inside the effect's own transaction: a second request with it waits here until the first has committed
 * (and then replays) or rolled back (and then does the work).
 * @throws Replay, or DomainError when the key was used for another body or its first use is still running after 5 s.
 */
export const claimKey = async (tx: Writer, claim: IdempotencyClaim): Promise<void> => {
  tx.send(sql`select set_config('lock_timeout', '5s', true)`);
  const taken = await tx
    .run(
      sql`insert into idempotency_keys (principal_id, workspace_id, method, path, key, request_hash)
          values (${tx.principal.userId}, ${tx.principal.workspaceId}, ${claim.method}, ${claim.path}, ${claim.key}, ${claim.requestHash})
          on conflict do nothing`,
    )
    .catch((error: { code?: string }) => {
      if (error.code === '55P03')
        throw conflict('idempotency_key_in_use', 'A request with this Idempotency-Key is still running.');
      throw error;
    });
  if (taken === 1) return;
  const stored = await tx.one<{ request_hash: string; status: number | null; answer: Json }>(
    sql`select request_hash, status, answer from idempotency_keys
         where principal_id = ${tx.principal.userId} and method = ${claim.method} and path = ${claim.path} and key = ${claim.key}`,
  );
  if (stored.request_hash !== claim.requestHash)
    throw new DomainError(
      'unprocessable',
      'idempotency_key_reused',
      'This Idempotency-Key was used with another request body: choose a new key.',
    );
  throw new Replay(stored.status ?? 200, stored.answer);
};

/** Stores the answer beside the effect. */
export const storeAnswer = (tx: Writer, claim: IdempotencyClaim, answer: unknown): void =>
  tx.send(
    sql`update idempotency_keys set status = ${claim.status(answer)}, answer = ${JSON.stringify(claim.bodyOf(answer))}
         where principal_id = ${tx.principal.userId} and workspace_id = ${tx.principal.workspaceId}
           and method = ${claim.method} and path = ${claim.path} and key = ${claim.key}`,
  );
