import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

export interface TotpRow {
  readonly sealed: string;
  readonly last_step: number;
  readonly is_confirmed: boolean;
}

/** A person's secret for one-time codes, under its lock inside a transaction. */
export const findTotp = (db: Reader, userId: string): Promise<TotpRow | undefined> =>
  db.maybe<TotpRow>(
    sql`select sealed, last_step, confirmed_at is not null as is_confirmed from totp_secrets where user_id = ${userId} for update`,
  );

/** Whether a person needs a second factor to sign in. */
export const needsSecondFactor = async (db: Reader, userId: string): Promise<boolean> =>
  (await db.maybe(sql`select 1 from totp_secrets where user_id = ${userId} and confirmed_at is not null`)) !==
  undefined;

/** Begins anew with a secret that is not in use until it is confirmed. */
export const storeTotp = async (tx: Writer, userId: string, sealed: string): Promise<void> => {
  await tx.run(
    sql`insert into totp_secrets (user_id, sealed) values (${userId}, ${sealed})
        on conflict (user_id) do update set sealed = excluded.sealed, last_step = 0, confirmed_at = null, created_at = now()`,
  );
};

/** Remembers the time step of a code that was taken; the first one puts the secret into use. */
export const useTotpStep = async (tx: Writer, userId: string, step: number): Promise<void> => {
  await tx.run(
    sql`update totp_secrets set last_step = ${step}, confirmed_at = coalesce(confirmed_at, now()) where user_id = ${userId}`,
  );
};

/** Replaces a person's recovery codes. */
export const storeRecoveryCodes = async (
  tx: Writer,
  userId: string,
  digests: readonly Buffer[],
): Promise<void> => {
  tx.send(sql`delete from recovery_codes where user_id = ${userId}`);
  await tx.run(
    sql`insert into recovery_codes (digest, user_id) select digest, ${userId} from unnest(${digests}::bytea[]) as digest`,
  );
};

/** Uses a recovery code up. @returns whether it was one. */
export const takeRecoveryCode = async (tx: Writer, userId: string, digest: Buffer): Promise<boolean> =>
  (await tx.run(sql`delete from recovery_codes where digest = ${digest} and user_id = ${userId}`)) === 1;

/** @returns whether there was a second factor. */
export const removeTotp = async (tx: Writer, userId: string): Promise<boolean> => {
  tx.send(sql`delete from recovery_codes where user_id = ${userId}`);
  return (await tx.run(sql`delete from totp_secrets where user_id = ${userId}`)) === 1;
};
