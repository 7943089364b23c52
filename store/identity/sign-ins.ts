import type { Principal } from '../../domain/identity/principal.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** Somebody who may be about to sign in. */
export interface Candidate {
  readonly id: string;
  readonly number: number;
  readonly email: string;
  readonly username: string;
  readonly display_name: string;
  readonly password_hash: string | null;
  readonly disabled: boolean;
}

/** @param name an email or a user name, in any case. */
export const findCandidate = (db: Reader, name: string): Promise<Candidate | undefined> =>
  db.maybe<Candidate>(
    sql`select id, number, email, username, display_name, password_hash, disabled_at is not null as disabled
          from users where deleted_at is null and (email = lower(${name}) or username = lower(${name}))`,
  );

/** The workspace in which a person is going to work. @param slug `null`: the one that they joined first. */
export const findMembership = (
  db: Reader,
  userId: string,
  slug: string | null,
): Promise<{ workspace_id: string; role: string; username: string } | undefined> =>
  db.maybe(
    sql`select m.workspace_id, r.name as role, u.username
          from memberships m join workspaces w on w.id = m.workspace_id join roles r on r.id = m.role_id join users u on u.id = m.user_id
         where m.user_id = ${userId} and (${slug}::text is null or w.slug = ${slug})
         order by m.created_at, m.workspace_id limit 1`,
  );

/** The first workspace: what happens before anybody is known is told there. */
export const findHomeWorkspace = (db: Reader): Promise<{ id: string }> =>
  db.one(sql`select id from workspaces order by number limit 1`);

/** Where a failed sign-in is told. @param slug the workspace that was asked for */
export const findWhereToTell = (
  db: Reader,
  userId: string | null,
  slug: string | null,
): Promise<{ id: string }> =>
  db.one(
    sql`select w.id from workspaces w left join memberships m on m.workspace_id = w.id and m.user_id = ${userId}::uuid
         order by (m.user_id is not null and w.slug = ${slug}) desc, m.user_id is not null desc, (w.slug = ${slug}) desc nulls last,
                  m.created_at, w.number limit 1`,
  );

/** From where, and how, somebody signs in. */
export interface SignInSource {
  readonly method: string;
  readonly address: string | null;
  readonly userAgent: string | null;
}

/** Opens a sign-in for the person of this transaction, with its first refresh token. @returns its id. */
export const openSignIn = async (
  tx: Writer,
  input: SignInSource & { readonly digest: Buffer; readonly seconds: number },
): Promise<string> => {
  const { userId, workspaceId } = tx.principal;
  const { id } = await tx.one<{ id: string }>(
    sql`insert into sign_ins (workspace_id, user_id, expires_at, method, address, user_agent)
        values (${workspaceId}, ${userId}, now() + make_interval(secs => ${input.seconds}), ${input.method},
                ${input.address}, ${input.userAgent}) returning id`,
  );
  tx.send(sql`insert into refresh_tokens (digest, sign_in_id) values (${input.digest}, ${id})`);
  tx.send(sql`update users set last_login_at = now() where id = ${userId}`);
  return id;
};

/** Whose refresh token this is, whatever became of it. */
export const findRefreshOwner = (
  db: Reader,
  digest: Buffer,
): Promise<(Pick<Principal, 'workspaceId'> & { userId: string; signInId: string }) | undefined> =>
  db.maybe(
    sql`select s.workspace_id as "workspaceId", s.user_id as "userId", s.id as "signInId"
          from refresh_tokens t join sign_ins s on s.id = t.sign_in_id where t.digest = ${digest}`,
  );

/** What became of a refresh token: `reused` has ended the whole family. */
export type Rotation = 'rotated' | 'repeated' | 'reused' | 'ended';

/**
 * Spends a refresh token for its successor, under the lock of its sign-in. One that was spent a moment ago is a client's
 * safe retry, whose answer was lost; one that was spent before that has been stolen, from somebody or by somebody.
 */
export const rotateRefreshToken = async (
  tx: Writer,
  input: {
    readonly digest: Buffer;
    readonly successor: Buffer;
    readonly graceSeconds: number;
    readonly seconds: number;
  },
): Promise<Rotation> => {
  const { digest, successor, graceSeconds, seconds } = input;
  const found = await tx.maybe<{ id: string; is_live: boolean }>(
    sql`select s.id, s.revoked_at is null and s.expires_at > now() and u.disabled_at is null
               and exists (select 1 from memberships m where m.user_id = s.user_id and m.workspace_id = s.workspace_id) as is_live
          from refresh_tokens t join sign_ins s on s.id = t.sign_in_id join users u on u.id = s.user_id
         where t.digest = ${digest} for update of s`,
  );
  if (!found?.is_live) return 'ended';
  // Read under the lock: the other one of two at once has spent it by now.
  const { spent, recent } = await tx.one<{ spent: boolean; recent: boolean }>(
    sql`select spent_at is not null as spent, coalesce(spent_at > clock_timestamp() - make_interval(secs => ${graceSeconds}), false) as recent
          from refresh_tokens where digest = ${digest}`,
  );
  if (spent && !recent) {
    tx.send(sql`update sign_ins set revoked_at = now() where id = ${found.id}`);
    tx.audit('auth.refresh_reused', 'sign_in', found.id, {});
    return 'reused';
  }
  if (spent) return 'repeated';
  tx.send(sql`update refresh_tokens set spent_at = clock_timestamp() where digest = ${digest}`);
  tx.send(sql`insert into refresh_tokens (digest, sign_in_id) values (${successor}, ${found.id})`);
  tx.send(
    sql`update sign_ins set expires_at = now() + make_interval(secs => ${seconds}) where id = ${found.id}`,
  );
  return 'rotated';
};

/** Ends a sign-in, or all of a person but one. @returns how many ended. */
export const endSignIns = (
  tx: Writer,
  which: { readonly userId: string; readonly id?: string; readonly except?: string },
): Promise<number> =>
  tx.run(
    sql`update sign_ins set revoked_at = now()
         where user_id = ${which.userId} and revoked_at is null
           and (${which.id ?? null}::uuid is null or id = ${which.id ?? null})
           and (${which.except ?? null}::uuid is null or id <> ${which.except ?? null})`,
  );

/** An open sign-in of a person. */
export interface SignInRow {
  readonly id: string;
  readonly workspace: string;
  readonly method: string;
  readonly address: string | null;
  readonly user_agent: string | null;
  readonly created_at: Date;
  readonly expires_at: Date;
}

/** A person's open sign-ins, newest first. */
export const listSignIns = (db: Reader, userId: string): Promise<SignInRow[]> =>
  db.many<SignInRow>(
    sql`select s.id, w.slug as workspace, s.method, s.address, s.user_agent, s.created_at, s.expires_at
          from sign_ins s join workspaces w on w.id = s.workspace_id
         where s.user_id = ${userId} and s.revoked_at is null and s.expires_at > now()
         order by s.created_at desc, s.id desc limit 100`,
  );
