import type { ProviderName } from '../../domain/identity/provider.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** Seconds in which somebody has to come back from where they sign in. */
export const FLOW_SECONDS = 600;

export interface NewFlow {
  readonly provider: ProviderName;
  /** Of the state. */
  readonly digest: Buffer;
  /** Of what the browser keeps that began it. */
  readonly browserDigest: Buffer;
  readonly nonce: string;
  readonly verifier: string;
  /** The open sign-in of somebody who adds a way to sign in. */
  readonly signInId: string | null;
}

/** Keeps what belongs to a sign-in elsewhere until somebody comes back from it; what nobody came back from goes. */
export const openFlow = async (tx: Writer, flow: NewFlow): Promise<void> => {
  tx.send(
    sql`delete from provider_flows where digest in
          (select digest from provider_flows where expires_at < now() limit 1000 for update skip locked)`,
  );
  await tx.run(
    sql`insert into provider_flows (digest, provider, browser_digest, nonce, verifier, sign_in_id, expires_at)
        values (${flow.digest}, ${flow.provider}, ${flow.browserDigest}, ${flow.nonce}, ${flow.verifier}, ${flow.signInId},
                now() + make_interval(secs => ${FLOW_SECONDS}))`,
  );
};

export interface KeptFlow {
  readonly nonce: string;
  readonly verifier: string;
  readonly sign_in_id: string | null;
}

/** Uses a flow up, in the browser that began it alone. @returns `undefined` when it is unknown, over, used, or of another browser. */
export const takeFlow = (
  tx: Writer,
  flow: Pick<NewFlow, 'provider' | 'digest' | 'browserDigest'>,
): Promise<KeptFlow | undefined> =>
  tx.maybe<KeptFlow>(
    sql`delete from provider_flows
         where digest = ${flow.digest} and provider = ${flow.provider} and browser_digest = ${flow.browserDigest} and expires_at > now()
        returning nonce, verifier, sign_in_id`,
  );

/** Whose open sign-in this is. */
export const findOpenSignIn = (
  db: Reader,
  signInId: string,
): Promise<{ user_id: string; workspace_id: string } | undefined> =>
  db.maybe(
    sql`select user_id, workspace_id from sign_ins where id = ${signInId} and revoked_at is null and expires_at > now()`,
  );
