import type { Principal, UserPrincipal } from '../../domain/identity/principal.ts';
import type { Caller } from '../auth/sign-in.ts';
import type { Log } from '../../platform/logger.ts';
import type { Reader, Writer } from '../../store/store.ts';
import type { WebhookCaller } from '../../store/webhooks/tokens.repository.ts';

/** What a handler knows about its request, and its only ways to the store. */
export interface Context {
  /** The signed-in person. @throws Error on an operation that the spec leaves open. */
  readonly principal: UserPrincipal;
  /** The signed-in person on an operation that is open to everyone. */
  readonly maybePrincipal: UserPrincipal | undefined;
  /** The system that sends an event. @throws Error on an operation that takes no webhook token. */
  readonly webhook: WebhookCaller;
  readonly requestId: string;
  readonly traceId: string;
  readonly log: Log;
  /** From where the request comes, for those who write outside `write` and `administer`. */
  readonly caller: Caller;
  readonly accept: string;
  readonly header: (name: string) => string | undefined;
  /** Aborted when the client has left, or has its answer. */
  readonly closed: AbortSignal;
  /** Reads what the person's workspace holds. */
  read<T>(fn: (db: Reader) => Promise<T>): Promise<T>;
  /** Changes it; what `fn` returns is the answer, stored with the change for a request with an `Idempotency-Key`. */
  write<T>(fn: (tx: Writer) => Promise<T>): Promise<T>;
  /** Changes what belongs to the whole server; only for operations that the spec marks `x-crosses-workspaces`. */
  administer<T>(fn: (tx: Writer) => Promise<T>): Promise<T>;
  /** Reads across workspaces; only for operations that the spec marks `x-crosses-workspaces`. */
  readAcross<T>(fn: (db: Reader) => Promise<T>): Promise<T>;
  /** Reads what the public site shows. */
  readSite<T>(fn: (db: Reader) => Promise<T>): Promise<T>;
  /** Reads what is open across workspaces, to everyone: the catalogue of models. */
  readOpen<T>(fn: (db: Reader) => Promise<T>): Promise<T>;
  readonly reader: Principal;
}
