import { DomainError } from '../../../domain/errors.ts';
import { auditSignIn, type SignInAttempt } from '../../../store/audit/sign-ins.ts';
import { findSignInCandidate, openSignIn } from '../../../store/identity/identity.repository.ts';
import { sql, type Store } from '../../../store/store.ts';
import { verifyPassword } from '../../auth/passwords.ts';
import type { Tokens } from '../../auth/tokens.ts';
import type { Context } from '../../http/context.ts';
import { defineHandlers, type Input } from '../../http/operation.ts';
import { time } from '../../http/wire.ts';

export interface IdentityDeps {
  readonly store: Store;
  readonly tokens: Tokens;
}

/** One answer, and one duration, for a wrong name, a wrong password and a workspace that the person is not in. */
const badCredentials = (): DomainError =>
  new DomainError('unauthenticated', 'invalid_credentials', 'The email or the password is not right.');

const signIn = async (
  { store, tokens }: IdentityDeps,
  { body }: Pick<Input<'login'>, 'body'>,
  { requestId, client }: Context,
) => {
  const candidate = await findSignInCandidate(store, body.email);
  const matches = await verifyPassword(body.password, candidate?.password_hash);
  const attempt: SignInAttempt = {
    action: 'auth.login',
    result: 'success',
    username: body.email,
    userId: candidate?.user_id ?? null,
    workspace: body.workspace ?? null,
    requestId,
    client,
  };
  const refuse = async (error: DomainError): Promise<never> => {
    await auditSignIn(store, { ...attempt, result: 'failure', reason: error.code });
    throw error;
  };
  if (!candidate || !matches) return refuse(badCredentials());
  // Only somebody who knows the password learns this.
  if (candidate.disabled)
    return refuse(new DomainError('forbidden', 'account_disabled', 'This account is disabled.'));
  const signInId = await openSignIn(store, {
    userId: candidate.user_id,
    workspace: body.workspace ?? null,
    seconds: tokens.seconds,
    attempt,
  });
  if (!signInId) return refuse(badCredentials());
  const token = await tokens.issue({ signInId, userId: candidate.user_id });
  return { access_token: token, token_type: 'bearer' as const, expires_in: tokens.seconds };
};

export const identityHandlers = (deps: IdentityDeps) =>
  defineHandlers({
    login: (input, ctx) => signIn(deps, input, ctx),
    loginV1: (input, ctx) => signIn(deps, input, ctx),

    getMe: async (_input, ctx) => {
      const { principal } = ctx;
      const user = await ctx.read((db) =>
        db.one<{ created_at: Date }>(sql`select created_at from users where id = ${principal.userId}`),
      );
      return {
        id: principal.userId,
        email: principal.email,
        name: principal.displayName,
        role: principal.role,
        scopes: [...principal.scopes].toSorted(),
        workspace: { id: principal.workspaceId, slug: principal.workspaceSlug },
        created_at: time(user.created_at),
      };
    },
  });
