import { scopesOfKey } from '../../domain/identity/api-key.ts';
import { notFound } from '../../domain/errors.ts';
import { effectiveScopes, type UserPrincipal } from '../../domain/identity/principal.ts';
import { toUserPrincipal, type PrincipalRow } from './identity.repository.ts';
import { newestFirst, type Listing } from '../page.ts';
import { sql, type Sql } from '../sql.ts';
import type { Reader, Store, Writer } from '../store.ts';

export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  /** The key's last characters. */
  readonly hint: string;
  readonly scopes: readonly string[];
  readonly user_id: string;
  /** `null` when the person is no member any more: then the key does nothing. */
  readonly user_name: string | null;
  readonly is_expired: boolean;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
}

const COLUMNS = sql`k.id, k.name, k.hint, k.scopes, k.user_id, k.created_at, k.expires_at, k.last_used_at,
  coalesce(k.expires_at <= now(), false) as is_expired,
  (select u.display_name from users u where u.id = k.user_id) as user_name`;

/** Whose keys somebody may see: their own, or all of the workspace. */
const seenBy = (owner: string | null): Sql[] =>
  owner === null ? [sql`k.revoked_at is null`] : [sql`k.revoked_at is null`, sql`k.user_id = ${owner}`];

/** The keys that are not revoked, newest first. @param owner whose; `null` for everybody's. */
export const apiKeyListing = (owner: string | null): Listing => ({
  columns: COLUMNS,
  from: sql`api_keys k`,
  where: seenBy(owner),
  order: newestFirst('k'),
});

const requireApiKey = async (db: Reader, id: string): Promise<ApiKeyRow> => {
  const row = await db.maybe<ApiKeyRow>(sql`select ${COLUMNS} from api_keys k where k.id = ${id}`);
  if (!row) throw notFound('API key', id);
  return row;
};

/** Adds a key of the person who asks. Only its hash is kept. */
export const addApiKey = async (
  tx: Writer,
  userId: string,
  key: {
    readonly name: string;
    readonly hash: Buffer;
    readonly hint: string;
    readonly scopes: readonly string[];
    readonly expiresAt: Date | null;
  },
): Promise<ApiKeyRow> => {
  const { name, hash, hint, scopes, expiresAt } = key;
  const { id } = await tx.one<{ id: string }>(
    sql`insert into api_keys (workspace_id, user_id, name, key_hash, hint, scopes, expires_at)
        values (${tx.principal.workspaceId}, ${userId}, ${name}, ${hash}, ${hint}, ${scopes}, ${expiresAt}) returning id`,
  );
  tx.audit('api_key.create', 'api_key', id, {
    name,
    scopes: [...scopes],
    expires_at: expiresAt?.toISOString() ?? null,
  });
  return requireApiKey(tx, id);
};

const lockApiKey = async (tx: Writer, id: string, owner: string | null): Promise<{ name: string }> => {
  const row = await tx.maybe<{ name: string }>(
    sql`select k.name from api_keys k
         where k.id = ${id} and k.revoked_at is null and (${owner}::uuid is null or k.user_id = ${owner}) for update`,
  );
  if (!row) throw notFound('API key', id);
  return row;
};

/** @param owner whose key it must be; `null` for anybody's. @throws DomainError not_found. */
export const renameApiKey = async (
  tx: Writer,
  id: string,
  owner: string | null,
  name: string,
): Promise<ApiKeyRow> => {
  const before = await lockApiKey(tx, id, owner);
  tx.send(sql`update api_keys set name = ${name} where id = ${id}`);
  tx.audit('api_key.rename', 'api_key', id, { before: before.name, after: name });
  return requireApiKey(tx, id);
};

/** Ends a key for good; the row stays, so that the audit's entries have a name. @throws DomainError not_found. */
export const revokeApiKey = async (tx: Writer, id: string, owner: string | null): Promise<void> => {
  const { name } = await lockApiKey(tx, id, owner);
  tx.send(sql`update api_keys set revoked_at = now(), revoked_by = ${tx.principal.userId} where id = ${id}`);
  tx.audit('api_key.revoke', 'api_key', id, { name });
};

interface KeyPrincipalRow extends PrincipalRow {
  readonly key_id: string;
  readonly key_scopes: string[];
  readonly expires_at: Date | null;
}

/** For whom a key acts, and what it may do now; `undefined` for one that is unknown, has ended, or whose person has. */
export const findKeyPrincipal = async (
  store: Store,
  hash: Buffer,
): Promise<{ principal: UserPrincipal; keyId: string; expiresAt: Date | null } | undefined> => {
  const row = await store.beforeWorkspace<KeyPrincipalRow>(sql`select * from api_key_principal(${hash})`);
  if (!row) return undefined;
  const principal = toUserPrincipal(row, {
    scopes: scopesOfKey(row.key_scopes, effectiveScopes(row.scopes, row.is_home)),
    signInId: null,
    apiKeyId: row.key_id,
  });
  return { principal, keyId: row.key_id, expiresAt: row.expires_at };
};

/** Notes that a key was used, at most once a minute. */
export const noteKeyUse = async (store: Store, keyId: string): Promise<void> => {
  await store.beforeWorkspace(sql`select note_api_key_use(${keyId})`);
};
