import { conflict, notFound } from '../../domain/errors.ts';
import type { ProviderName } from '../../domain/identity/provider.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** Somebody as a provider of sign-ins knows them. */
export interface IdentityKey {
  readonly provider: ProviderName;
  readonly issuer: string;
  readonly subject: string;
}

export interface IdentityOwner {
  readonly user_id: string;
  readonly disabled: boolean;
}

/** Whose account an identity signs in to. */
export const findIdentity = (db: Reader, key: IdentityKey): Promise<IdentityOwner | undefined> =>
  db.maybe<IdentityOwner>(
    sql`select i.user_id, u.disabled_at is not null as disabled
          from identities i join users u on u.id = i.user_id and u.deleted_at is null
         where i.provider = ${key.provider} and i.issuer = ${key.issuer} and i.subject = ${key.subject}`,
  );

/** Gives an account one more way in. @returns its id. @throws DomainError `identity_taken`. */
export const insertIdentity = async (
  tx: Writer,
  userId: string,
  key: IdentityKey,
  email: { readonly address: string | null; readonly isVerified: boolean },
): Promise<string> => {
  const { id } = await tx
    .one<{ id: string }>(
      sql`insert into identities (user_id, provider, issuer, subject, email, email_verified)
          values (${userId}, ${key.provider}, ${key.issuer}, ${key.subject}, lower(${email.address}), ${email.isVerified}) returning id`,
    )
    .catch((error: { constraint?: string }) => {
      if (error.constraint === 'identities_subject')
        throw conflict('identity_taken', 'This identity signs in to another account.');
      throw error;
    });
  return id;
};

export const touchIdentity = async (tx: Writer, key: IdentityKey): Promise<void> => {
  await tx.run(
    sql`update identities set last_used_at = now()
         where provider = ${key.provider} and issuer = ${key.issuer} and subject = ${key.subject}`,
  );
};

/** A way in, as its owner sees it. */
export interface IdentityRow {
  readonly id: string;
  readonly provider: ProviderName;
  readonly email: string | null;
  readonly created_at: Date;
  readonly last_used_at: Date;
}

/** The other ways in of a person, oldest first. */
export const listIdentities = (db: Reader, userId: string): Promise<IdentityRow[]> =>
  db.many<IdentityRow>(
    sql`select id, provider, email, created_at, last_used_at from identities
         where user_id = ${userId} order by created_at, id limit 100`,
  );

/**
 * Takes a way in from its owner, under the lock of their account: of two at once, one stays.
 * @returns what it was. @throws DomainError not_found, or `last_way_in`.
 */
export const deleteIdentity = async (tx: Writer, userId: string, id: string): Promise<IdentityRow> => {
  const { has_password: hasPassword } = await tx.one<{ has_password: boolean }>(
    sql`select password_hash is not null as has_password from users where id = ${userId} for update`,
  );
  const identities = await listIdentities(tx, userId);
  const identity = identities.find((one) => one.id === id);
  if (!identity) throw notFound('identity', id);
  if (!hasPassword && identities.length === 1)
    throw conflict(
      'last_way_in',
      'This is the only way to sign in to your account: set a password or link another one first.',
    );
  await tx.run(sql`delete from identities where id = ${id}`);
  return identity;
};

/**
 * Takes from an account whatever was linked to it without the mailbox that has just proved to be its owner's: somebody else may
 * have made the account, and linked it, before. @returns what went.
 */
export const deleteUnprovenIdentities = (
  tx: Writer,
  userId: string,
): Promise<Pick<IdentityRow, 'id' | 'provider'>[]> =>
  tx.many(
    sql`delete from identities i using users u
         where i.user_id = ${userId} and u.id = i.user_id and not (i.email_verified and i.email = u.email)
        returning i.id, i.provider`,
  );

/** A user name that nobody has, from an address. @param number follows it where somebody has that already. */
export const freeUsername = async (db: Reader, email: string, number: number): Promise<string> =>
  (await db.one<{ name: string }>(sql`select username_for(${email}, ${number}) as name`)).name;
