import type { SignedIn, SignIns } from '../../auth/sign-in.ts';
import type { Tokens } from '../../auth/tokens.ts';
import { endSignIns } from '../../../store/identity/sign-ins.ts';
import type { Administration } from '../../../store/administration.ts';
import type { Context } from '../../http/context.ts';
import { cacheable, defineHandlers, type Input } from '../../http/operation.ts';

export interface SignInHandlerDeps {
  readonly signIns: SignIns;
  readonly tokens: Tokens;
  readonly administration: Administration;
  readonly rightsChanged: () => void;
}

const pairView = ({ accessToken, refreshToken, expiresIn }: SignedIn) => ({
  access_token: accessToken,
  refresh_token: refreshToken,
  token_type: 'bearer' as const,
  expires_in: expiresIn,
});

const login = async ({ signIns }: SignInHandlerDeps, { body }: Pick<Input<'login'>, 'body'>, ctx: Context) =>
  pairView(
    await signIns.byPassword(
      { name: body.email, password: body.password, workspace: body.workspace ?? null },
      ctx.caller,
    ),
  );

const refresh = async (
  { signIns }: SignInHandlerDeps,
  { body }: Pick<Input<'refresh'>, 'body'>,
  ctx: Context,
) => pairView(await signIns.refresh(body.refresh_token, ctx.caller));

/** Ends the sign-in of this token, at once and at every door. */
const logout = async ({ administration, rightsChanged }: SignInHandlerDeps, ctx: Context) => {
  const { principal } = ctx;
  const { userId, signInId } = principal;
  await administration.write(
    principal,
    async (tx) => {
      await endSignIns(tx, { userId, id: signInId });
      tx.audit('auth.logout', 'user', userId, { sign_in_id: signInId });
    },
    { requestId: ctx.requestId },
  );
  rightsChanged();
  return { message: 'Logged out successfully' };
};

/** The doors through which people come and go. */
export const signInHandlers = (deps: SignInHandlerDeps) =>
  defineHandlers({
    login: (input, ctx) => login(deps, input, ctx),
    loginV1: (input, ctx) => login(deps, input, ctx),
    refresh: (input, ctx) => refresh(deps, input, ctx),
    refreshV1: (input, ctx) => refresh(deps, input, ctx),
    refreshAdmin: (input, ctx) => refresh(deps, input, ctx),
    logout: (_input, ctx) => logout(deps, ctx),
    logoutBrief: (_input, ctx) => logout(deps, ctx),
    logoutAdmin: (_input, ctx) => logout(deps, ctx),
    getPublicKeys: async () => cacheable({ keys: await deps.tokens.publicKeys() }, 300),
  });
