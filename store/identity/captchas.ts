import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';

/** Stores what the answer to a captcha must be; those that are over go. */
export const insertCaptcha = async (
  db: Reader,
  captcha: { readonly id: string; readonly digest: Buffer; readonly seconds: number },
): Promise<void> => {
  await db.many(
    sql`with swept as (delete from captchas where expires_at < now())
        insert into captchas (id, digest, expires_at)
        values (${captcha.id}, ${captcha.digest}, now() + make_interval(secs => ${captcha.seconds}))`,
  );
};

/** Takes a captcha away. @returns what its answer must be, or `undefined` when it was used or is over. */
export const takeCaptcha = async (db: Reader, id: string): Promise<Buffer | undefined> =>
  (
    await db.maybe<{ digest: Buffer }>(
      sql`delete from captchas where id = ${id} and expires_at > now() returning digest`,
    )
  )?.digest;
