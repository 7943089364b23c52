import type { ClientInfo } from '../../domain/audit/entry.ts';
import { DomainError } from '../../domain/errors.ts';
import { publicPrincipal, type Principal } from '../../domain/identity/principal.ts';
import type { Administration } from '../../store/administration.ts';
import {
  findCandidate,
  findMembership,
  findRefreshOwner,
  findWhereToTell,
  openSignIn,
  rotateRefreshToken,
  type Candidate,
  type SignInSource,
} from '../../store/identity/sign-ins.ts';
import type { Guesses } from '../../store/limits/guesses.ts';
import { guessing } from './guessing.ts';
import { digestOf, newOpaque, successorOf } from './opaque.ts';
import { verifyPassword } from './passwords.ts';
import type { SecondFactors } from './second-factor.ts';
import type { Tokens } from './tokens.ts';

/** How long after its use a refresh token is answered once more: the time that a client needs to try again. */
const GRACE_SECONDS = 10;

export interface SignInDeps {
  readonly administration: Administration;
  readonly tokens: Tokens;
  readonly secondFactors: SecondFactors;
  readonly guesses: Guesses;
  readonly secretKey: Buffer;
  /** Seconds until somebody who does not come back has to sign in again. */
  readonly signInSeconds: number;
}

/** What every door answers, in its own words. */
export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds. */
  readonly expiresIn: number;
}

/** From where a request comes: what the audit entries of its changes say. */
export interface Caller {
  readonly requestId: string;
  readonly client: ClientInfo & { readonly address: string };
}

interface Named {
  /** An email or a user name. */
  readonly name: string;
  /** The slug of the workspace that is asked for. */
  readonly workspace: string | null;
}

/** One answer, and one duration, for a wrong name, a wrong password and a workspace that the person is not in. */
const badCredentials = (): DomainError =>
  new DomainError('unauthenticated', 'invalid_credentials', 'The name or the password is not right.');

const badRefreshToken = (): DomainError =>
  new DomainError(
    'unauthenticated',
    'invalid_refresh_token',
    'The refresh token is not valid, or no longer: sign in again.',
  );

/** Signs people in, whatever the door; a sign-in of one is a sign-in of all. */
export class SignIns {
  readonly #deps: SignInDeps;

  constructor(deps: SignInDeps) {
    this.#deps = deps;
  }

  /**
   * By email or user name, password, and a code where the person has a second factor.
   * @throws DomainError `invalid_credentials`; for those who know the password `account_disabled`, `second_factor_needed`, `second_factor_wrong`.
   */
  async byPassword(
    given: Named & { readonly password: string; readonly code?: string | undefined },
    caller: Caller,
  ): Promise<SignedIn & { user: Candidate }> {
    const candidate = await this.#requirePassword(given, caller);
    // Only somebody who knows the password learns this.
    if (candidate.disabled) {
      await this.#recordFailure(given, candidate, 'account_disabled', caller);
      throw new DomainError('forbidden', 'account_disabled', 'This account is disabled.');
    }
    await this.#requireCode(given, candidate, caller);
    const opened = await this.open(candidate.id, { workspace: given.workspace, method: 'password' }, caller);
    if (!opened) {
      await this.#recordFailure(given, candidate, 'not_a_member', caller);
      throw badCredentials();
    }
    return { ...opened, user: candidate };
  }

  /** Of one account, however it is named, the guesses are counted together. */
  async #requirePassword(given: Named & { readonly password: string }, caller: Caller): Promise<Candidate> {
    const { name, password } = given;
    const { administration, guesses } = this.#deps;
    const candidate = await administration.read((db) => findCandidate(db, name));
    const guess = {
      kind: 'sign-in',
      subject: candidate?.email ?? name,
      address: caller.client.address,
    } as const;
    return guessing(guesses, guess, ['invalid_credentials'], async () => {
      const matches = await verifyPassword(password, candidate?.password_hash ?? undefined);
      if (candidate && matches) return candidate;
      await this.#recordFailure(given, candidate, 'invalid_credentials', caller);
      throw badCredentials();
    });
  }

  /** Opens a sign-in for somebody whose identity is proved. @returns `undefined` when they are no member of the workspace. */
  async open(
    userId: string,
    { workspace, method }: { readonly workspace: string | null; readonly method: string },
    caller: Caller,
  ): Promise<SignedIn | undefined> {
    const { administration, tokens, signInSeconds } = this.#deps;
    const membership = await administration.read((db) => findMembership(db, userId, workspace));
    if (!membership) return undefined;
    const principal: Principal = { kind: 'user', userId, workspaceId: membership.workspace_id };
    const refreshToken = newOpaque('tlr');
    const source: SignInSource = {
      method,
      address: caller.client.address,
      userAgent: caller.client.userAgent,
    };
    const signInId = await administration.write(
      principal,
      async (tx) => {
        const id = await openSignIn(tx, {
          ...source,
          digest: digestOf(refreshToken),
          seconds: signInSeconds,
        });
        tx.audit('auth.login', 'user', userId, {
          method,
          sign_in_id: id,
          username: membership.username,
        });
        return id;
      },
      caller,
    );
    const accessToken = await tokens.issue({ signInId, userId });
    return { accessToken, refreshToken, expiresIn: tokens.seconds };
  }

  /** Answers a fresh pair for a refresh token. @throws DomainError `invalid_refresh_token`; a stolen one ends its family. */
  async refresh(refreshToken: string, caller: Caller): Promise<SignedIn> {
    const { administration, tokens, secretKey, signInSeconds } = this.#deps;
    const digest = digestOf(refreshToken);
    const owner = await administration.read((db) => findRefreshOwner(db, digest));
    if (!owner) throw badRefreshToken();
    const successor = successorOf(secretKey, refreshToken);
    const principal: Principal = { kind: 'user', userId: owner.userId, workspaceId: owner.workspaceId };
    const rotation = await administration.write(
      principal,
      (tx) =>
        rotateRefreshToken(tx, {
          digest,
          successor: digestOf(successor),
          graceSeconds: GRACE_SECONDS,
          seconds: signInSeconds,
        }),
      caller,
    );
    if (rotation === 'reused' || rotation === 'ended') throw badRefreshToken();
    const accessToken = await tokens.issue({ signInId: owner.signInId, userId: owner.userId });
    return { accessToken, refreshToken: successor, expiresIn: tokens.seconds };
  }

  async #requireCode(
    given: Named & { readonly code?: string | undefined },
    candidate: Candidate,
    caller: Caller,
  ): Promise<void> {
    const { code } = given;
    const { administration, secondFactors } = this.#deps;
    if (!(await secondFactors.isNeeded(candidate.id))) return;
    if (code === undefined)
      throw new DomainError(
        'unauthenticated',
        'second_factor_needed',
        'This account has a second factor: send its code as "code", or a recovery code.',
      );
    const membership = await administration.read((db) => findMembership(db, candidate.id, null));
    const person = {
      kind: 'user' as const,
      userId: candidate.id,
      workspaceId: membership?.workspace_id ?? '',
    };
    if (!membership) throw badCredentials();
    try {
      await secondFactors.require(person, code, caller);
    } catch (error) {
      // What was refused unseen was no attempt.
      if (error instanceof DomainError && error.code === 'second_factor_wrong')
        await this.#recordFailure(given, candidate, error.code, caller);
      throw error;
    }
  }

  /** In a workspace of the person, else in the one that was asked for, else in the server's own. */
  async #recordFailure(
    { name, workspace }: Named,
    candidate: Candidate | undefined,
    reason: string,
    caller: Caller,
  ): Promise<void> {
    const { administration } = this.#deps;
    const where = await administration.read((db) => findWhereToTell(db, candidate?.id ?? null, workspace));
    const detail = { username: name.slice(0, 254), reason };
    await administration.write(
      publicPrincipal(where.id),
      async (tx) => tx.audit('auth.login', 'user', candidate?.id ?? null, detail, 'failure'),
      caller,
    );
  }
}
