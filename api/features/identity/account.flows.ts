import { DomainError } from '../../../domain/errors.ts';
import { requireGoodPassword } from '../../../domain/identity/password.ts';
import { requireSignIn, type Principal, type UserPrincipal } from '../../../domain/identity/principal.ts';
import type { Registration } from '../../../platform/config.ts';
import type { Notify } from '../../../platform/notify.ts';
import type { Administration } from '../../../store/administration.ts';
import {
  acceptInvitation,
  createPersonalWorkspace,
  findPasswordReset,
  openPasswordReset,
  usePasswordReset,
} from '../../../store/identity/accounts.ts';
import { deleteUnprovenIdentities } from '../../../store/identity/identities.ts';
import { requireRole } from '../../../store/identity/roles.ts';
import {
  endSignIns,
  findCandidate,
  findHomeWorkspace,
  findMembership,
} from '../../../store/identity/sign-ins.ts';
import { insertUser, requireUser, setPassword, type UserRow } from '../../../store/identity/users.ts';
import { isCommonPassword } from '../../auth/common-passwords.ts';
import type { Guesses } from '../../../store/limits/guesses.ts';
import { guessing } from '../../auth/guessing.ts';
import { digestOf, newOpaque } from '../../auth/opaque.ts';
import { hashPassword, verifyPassword } from '../../auth/passwords.ts';
import type { Caller } from '../../auth/sign-in.ts';

/** What somebody is in the workspace that is theirs alone. */
export const PERSONAL_ROLE = 'editor';

export interface AccountDeps {
  readonly administration: Administration;
  readonly registration: Registration;
  readonly guesses: Guesses;
  readonly notify: Notify;
  readonly publicUrl: string;
  readonly rightsChanged: () => void;
}

export interface Registrant {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly displayName: string;
  readonly invitation: string | null;
}

/**
 * Makes an account with a workspace of its own, and lets an invited person join where they were invited to.
 * @throws DomainError forbidden while registration is off, or without a valid invitation; conflict for a taken name.
 */
export const register = async (
  { administration, registration }: AccountDeps,
  person: Registrant,
  caller: Caller,
): Promise<UserRow> => {
  if (registration === 'off')
    throw new DomainError(
      'forbidden',
      'registration_off',
      'Accounts are made by the administrator of this server.',
    );
  if (registration === 'invitation' && person.invitation === null)
    throw new DomainError('forbidden', 'invitation_needed', 'An invitation is needed to register here.');
  requireGoodPassword(person.password, person, isCommonPassword);
  const passwordHash = await hashPassword(person.password);
  const { role, home } = await administration.read(async (db) => ({
    role: await requireRole(db, PERSONAL_ROLE),
    home: await findHomeWorkspace(db),
  }));
  const principal: Principal = { kind: 'public', userId: null, workspaceId: home.id };
  return administration.write(
    principal,
    async (tx) => {
      const id = await insertUser(tx, { ...person, passwordHash });
      if (person.invitation !== null)
        await acceptInvitation(tx, digestOf(person.invitation), { userId: id, email: person.email });
      await createPersonalWorkspace(tx, id, person.displayName, role.id);
      tx.audit('user.register', 'user', id, { invited: person.invitation !== null });
      return requireUser(tx, id);
    },
    caller,
  );
};

/**
 * Changes a password for somebody who knows it; their other sign-ins end.
 * @throws DomainError `wrong_password`, or `validation_error` for a new one that is easy to guess.
 */
export const changePassword = async (
  { administration, guesses, rightsChanged }: AccountDeps,
  principal: UserPrincipal,
  given: { readonly current: string; readonly next: string },
  caller: Caller,
): Promise<void> => {
  const { userId } = principal;
  // Whoever has a person's token may be guessing at their password.
  const guess = { kind: 'sign-in', subject: principal.email, address: caller.client.address } as const;
  const user = await guessing(guesses, guess, ['wrong_password'], async () => {
    const found = await administration.read((db) => findCandidate(db, principal.email));
    if (found && (await verifyPassword(given.current, found.password_hash ?? undefined))) return found;
    throw new DomainError('forbidden', 'wrong_password', 'The current password is not right.');
  });
  requireGoodPassword(given.next, user, isCommonPassword, 'body.new_password');
  const hash = await hashPassword(given.next);
  await administration.write(
    principal,
    async (tx) => {
      await setPassword(tx, userId, hash);
      await endSignIns(tx, { userId, except: requireSignIn(principal) });
      tx.audit('auth.password_changed', 'user', userId, {});
    },
    caller,
  );
  rightsChanged();
};

/** Sends a link to whoever has this address here; nobody learns whether anybody does. */
export const requestPasswordReset = async (
  { administration, notify, publicUrl }: AccountDeps,
  email: string,
  caller: Caller,
): Promise<void> => {
  const user = await administration.read((db) => findCandidate(db, email));
  if (!user || user.disabled) return;
  const membership = await administration.read((db) => findMembership(db, user.id, null));
  if (!membership) return;
  const token = newOpaque('tlp');
  await administration.write(
    { kind: 'public', userId: null, workspaceId: membership.workspace_id },
    async (tx) => {
      await openPasswordReset(tx, user.id, digestOf(token));
      tx.audit('auth.reset_requested', 'user', user.id, {});
    },
    caller,
  );
  notify({
    to: user.email,
    subject: 'A new password for Taskloom',
    text: `Somebody asked for a new password for ${user.username} at ${publicUrl}.\n\nSend this token with the new password to POST ${publicUrl}/api/v1/auth/password/reset within an hour:\n\n${token}\n\nIf it was not you, nothing has changed and you need not do anything.`,
  });
};

/** Sets a password by such a link, once; every sign-in of the person ends, and what was linked without this address goes. @throws DomainError `reset_invalid`. */
export const resetPassword = (
  deps: AccountDeps,
  given: { readonly token: string; readonly password: string },
  caller: Caller,
): Promise<void> =>
  guessing(
    deps.guesses,
    { kind: 'reset', subject: null, address: caller.client.address },
    ['reset_invalid'],
    () => useReset(deps, given, caller),
  );

const useReset = async (
  { administration, rightsChanged }: AccountDeps,
  given: { readonly token: string; readonly password: string },
  caller: Caller,
): Promise<void> => {
  const invalidReset = (): DomainError =>
    new DomainError('forbidden', 'reset_invalid', 'This link is not valid, or no longer: ask for a new one.');
  const digest = digestOf(given.token);
  const reset = await administration.read((db) => findPasswordReset(db, digest));
  if (!reset) throw invalidReset();
  requireGoodPassword(given.password, reset, isCommonPassword, 'body.new_password');
  const hash = await hashPassword(given.password);
  const membership = await administration.read((db) => findMembership(db, reset.user_id, null));
  if (!membership) throw invalidReset();
  await administration.write(
    { kind: 'user', userId: reset.user_id, workspaceId: membership.workspace_id },
    async (tx) => {
      if (!(await usePasswordReset(tx, digest))) throw invalidReset();
      await setPassword(tx, reset.user_id, hash);
      await endSignIns(tx, { userId: reset.user_id });
      for (const { id, provider } of await deleteUnprovenIdentities(tx, reset.user_id))
        tx.audit('identity.unlink', 'identity', id, { method: provider, reason: 'password_reset' });
      tx.audit('auth.password_reset', 'user', reset.user_id, {});
    },
    caller,
  );
  rightsChanged();
};
