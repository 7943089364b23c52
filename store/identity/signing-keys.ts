import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** The names of the keys whose tokens are accepted, newest first. */
export const listSigningKeys = (db: Reader): Promise<{ kid: string; is_retired: boolean }[]> =>
  db.many(sql`select kid, is_retired from live_signing_keys()`);

/**
 * Signs with a new key from now on. Tokens of the others are accepted for another day, longer than any of them lives.
 * @returns the new key's name.
 */
export const rotateSigningKey = async (tx: Writer): Promise<string> => {
  tx.send(sql`update signing_keys set retired_at = now() where retired_at is null`);
  const { kid } = await tx.one<{ kid: string }>(sql`insert into signing_keys default values returning kid`);
  tx.audit('auth.key_rotated', 'signing_key', kid, {});
  return kid;
};
