import { randomInt } from 'node:crypto';
import { DomainError } from '../../../domain/errors.ts';
import { publicPrincipal, type Principal } from '../../../domain/identity/principal.ts';
import type { ProviderName } from '../../../domain/identity/provider.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { Registration } from '../../../platform/config.ts';
import type { Administration } from '../../../store/administration.ts';
import { createPersonalWorkspace } from '../../../store/identity/accounts.ts';
import {
  findIdentity,
  freeUsername,
  insertIdentity,
  touchIdentity,
  type IdentityOwner,
} from '../../../store/identity/identities.ts';
import { findOpenSignIn } from '../../../store/identity/provider-flows.ts';
import { requireRole } from '../../../store/identity/roles.ts';
import { findCandidate, findHomeWorkspace, findMembership } from '../../../store/identity/sign-ins.ts';
import { insertUser, requireUser, updateUser, type UserRow } from '../../../store/identity/users.ts';
import type { ProviderPerson } from '../../auth/providers/port.ts';
import type { Caller, SignedIn, SignIns } from '../../auth/sign-in.ts';
import { PERSONAL_ROLE } from './account.flows.ts';

export interface ProviderFlowDeps {
  readonly administration: Administration;
  readonly signIns: SignIns;
  readonly registration: Registration;
}

/** Somebody whom a provider has vouched for. */
export interface Vouched {
  readonly provider: ProviderName;
  readonly label: string;
  readonly person: ProviderPerson;
}

const EMAIL = /^[^\s@\p{Cc}]{1,200}@[^\s@\p{Cc}]{1,200}$/u;

/** An address that may be an account's; `null` when the provider says none, or nothing that looks like one. */
const soundEmail = ({ email }: ProviderPerson): string | null =>
  email !== null && email.length <= 254 && email.isWellFormed() && EMAIL.test(email) ? email : null;

const soundName = ({ name }: ProviderPerson, otherwise: string): string =>
  (name ?? '')
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 200) || otherwise;

const soundPicture = ({ avatarUrl }: ProviderPerson): string | undefined =>
  avatarUrl !== null && /^https:\/\/[!-~]{1,1990}$/.test(avatarUrl) ? avatarUrl : undefined;

const keyOf = ({ provider, person }: Vouched) => ({
  provider,
  issuer: person.issuer,
  subject: person.subject,
});

/** One answer for a state that is unknown, over or used, and for one of another browser. */
export const invalidState = (): DomainError =>
  new DomainError(
    'unauthenticated',
    'state_invalid',
    'This sign-in was not begun in this browser, or is over: begin again.',
  );

/** Leaves an entry about somebody who did not get in. */
export const recordRefusal = async (
  { administration }: Pick<ProviderFlowDeps, 'administration'>,
  detail: JsonObject & { readonly method: ProviderName; readonly reason: string },
  caller: Caller,
  userId: string | null = null,
): Promise<void> => {
  const membership = userId && (await administration.read((db) => findMembership(db, userId, null)));
  const where = membership ? membership.workspace_id : (await administration.read(findHomeWorkspace)).id;
  await administration.write(
    publicPrincipal(where),
    async (tx) => tx.audit('auth.login', 'user', userId, detail, 'failure'),
    caller,
  );
};

/**
 * Whether somebody unknown may have an account, and with which address. An address of an account that is here already proves
 * nothing about who owns that account: nobody has verified it here.
 * @throws DomainError `email_unverified`, `account_exists`, `registration_off`, `invitation_needed`.
 */
const requireNewcomer = async (
  { administration, registration }: ProviderFlowDeps,
  { label, person }: Vouched,
): Promise<string> => {
  const email = person.emailVerified ? soundEmail(person) : null;
  if (email === null)
    throw new DomainError(
      'forbidden',
      'email_unverified',
      `${label} has not verified an address of yours: verify it there, or sign in here and link ${label}.`,
    );
  if (await administration.read((db) => findCandidate(db, email)))
    throw new DomainError(
      'conflict',
      'account_exists',
      `There is an account with this address: sign in to it and link ${label}.`,
    );
  if (registration === 'off')
    throw new DomainError(
      'forbidden',
      'registration_off',
      'Accounts are made by the administrator of this server.',
    );
  if (registration === 'invitation')
    throw new DomainError(
      'forbidden',
      'invitation_needed',
      `Register with your invitation first, then link ${label}.`,
    );
  return email;
};

/** Makes an account without a password, with a workspace of its own. @returns whose it is. */
const createAccount = async (
  { administration }: ProviderFlowDeps,
  vouched: Vouched,
  email: string,
  caller: Caller,
): Promise<string> => {
  const { person, provider } = vouched;
  const { role, home } = await administration.read(async (db) => ({
    role: await requireRole(db, PERSONAL_ROLE),
    home: await findHomeWorkspace(db),
  }));
  return administration.write(
    publicPrincipal(home.id),
    async (tx) => {
      const username = await freeUsername(tx, email, randomInt(1_000_000_000));
      const displayName = soundName(person, username);
      const id = await insertUser(tx, { email, username, displayName, passwordHash: null });
      await updateUser(tx, id, { avatarUrl: soundPicture(person) });
      await insertIdentity(tx, id, keyOf(vouched), { address: email, isVerified: true });
      await createPersonalWorkspace(tx, id, displayName, role.id);
      tx.audit('user.register', 'user', id, { invited: false, method: provider });
      return id;
    },
    caller,
  );
};

const TAKEN_MEANWHILE = new Set(['email_taken', 'username_taken', 'identity_taken']);

/** Whose account this identity is; of several at once that are new, one makes it. */
const accountOf = async (
  deps: ProviderFlowDeps,
  vouched: Vouched,
  caller: Caller,
  attempts = 3,
): Promise<IdentityOwner> => {
  const known = await deps.administration.read((db) => findIdentity(db, keyOf(vouched)));
  if (known) return known;
  const email = await requireNewcomer(deps, vouched);
  try {
    return { user_id: await createAccount(deps, vouched, email, caller), disabled: false };
  } catch (error) {
    if (attempts === 1 || !(error instanceof DomainError) || !TAKEN_MEANWHILE.has(error.code)) throw error;
    return accountOf(deps, vouched, caller, attempts - 1);
  }
};

/** Adds a way in to the account of somebody who is signed in. @throws DomainError `identity_taken`, `state_invalid`. */
const link = async (
  { administration }: ProviderFlowDeps,
  vouched: Vouched,
  signInId: string,
  caller: Caller,
): Promise<void> => {
  const key = keyOf(vouched);
  const signIn = await administration.read((db) => findOpenSignIn(db, signInId));
  if (!signIn) throw invalidState();
  const { user_id: userId, workspace_id: workspaceId } = signIn;
  const known = await administration.read((db) => findIdentity(db, key));
  if (known?.user_id === userId) return;
  const principal: Principal = { kind: 'user', userId, workspaceId };
  await administration.write(
    principal,
    async (tx) => {
      const id = await insertIdentity(tx, userId, key, {
        address: soundEmail(vouched.person),
        isVerified: vouched.person.emailVerified,
      });
      tx.audit('identity.link', 'identity', id, { method: vouched.provider });
    },
    caller,
  );
};

const noteUse = async (
  { administration }: ProviderFlowDeps,
  vouched: Vouched,
  caller: Caller,
): Promise<void> => {
  const home = await administration.read(findHomeWorkspace);
  await administration.write(publicPrincipal(home.id), (tx) => touchIdentity(tx, keyOf(vouched)), caller);
};

/**
 * Signs somebody in whom a provider has vouched for, or links what they are there to who they are here.
 * @param signInId the sign-in of somebody who links; `null` otherwise.
 * @throws DomainError for somebody who has no account and may not have one, `identity_taken`, and `account_disabled`.
 */
export const enter = async (
  deps: ProviderFlowDeps,
  vouched: Vouched,
  signInId: string | null,
  caller: Caller,
): Promise<SignedIn & { user: UserRow }> => {
  const { administration, signIns } = deps;
  const method = vouched.provider;
  let userId: string | null = null;
  try {
    if (signInId !== null) await link(deps, vouched, signInId, caller);
    const account = await accountOf(deps, vouched, caller);
    userId = account.user_id;
    if (account.disabled) throw new DomainError('forbidden', 'account_disabled', 'This account is disabled.');
    const opened = await signIns.open(userId, { workspace: null, method }, caller);
    if (!opened) throw new DomainError('forbidden', 'not_a_member', 'This account belongs to no workspace.');
    await noteUse(deps, vouched, caller);
    return { ...opened, user: await administration.read((db) => requireUser(db, account.user_id)) };
  } catch (error) {
    if (error instanceof DomainError)
      await recordRefusal(deps, { method, reason: error.code }, caller, userId);
    throw error;
  }
};
