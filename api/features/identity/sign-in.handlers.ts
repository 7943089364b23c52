import { requireSignIn } from '../../../domain/identity/principal.ts';
import type { Captchas } from '../../auth/captcha.ts';
import type { SignedIn, SignIns } from '../../auth/sign-in.ts';
import type { Tokens } from '../../auth/tokens.ts';
import { endSignIns } from '../../../store/identity/sign-ins.ts';
import type { Administration } from '../../../store/administration.ts';
import type { Context } from '../../http/context.ts';
import { cacheable, defineHandlers, type Input } from '../../http/operation.ts';

export interface SignInHandlerDeps {
  readonly signIns: SignIns;
  readonly captchas: Captchas | null;
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
      { name: body.email, password: body.password, workspace: body.workspace ?? null, code: body.code },
      ctx.caller,
    ),
  );

const refresh = async (
  { signIns }: SignInHandlerDeps,
  { body }: Pick<Input<'refresh'>, 'body'>,
  ctx: Context,
) => pairView(await signIns.refresh(body.refresh_token, ctx.caller));

/** Document 004's door: a captcha first, so that no password is looked at without one. */
const loginAdmin = async (
  { signIns, captchas }: SignInHandlerDeps,
  { body }: Input<'loginAdmin'>,
  ctx: Context,
) => {
  await captchas?.require({ id: body.captcha_id, code: body.captcha_code }, ctx.caller.client.address);
  const { username: name, password, code } = body;
  const signedIn = await signIns.byPassword({ name, password, workspace: null, code }, ctx.caller);
  const { number: id, username, display_name: nickname } = signedIn.user;
  return { ...pairView(signedIn), token_type: 'Bearer' as const, user: { id, username, nickname } };
};

const issueCaptcha = async ({ captchas }: SignInHandlerDeps) => {
  if (!captchas) return { is_enabled: false, captcha_id: null, image: null, expires_in: null };
  const { id, image, expiresIn } = await captchas.issue();
  return {
    is_enabled: true,
    captcha_id: id,
    image: `data:image/png;base64,${image.toString('base64')}`,
    expires_in: expiresIn,
  };
};

/** Ends the sign-in of this token, at once and at every door. */
const logout = async ({ administration, rightsChanged }: SignInHandlerDeps, ctx: Context) => {
  const { principal } = ctx;
  const { userId } = principal;
  const signInId = requireSignIn(principal);
  await administration.write(
    principal,
    async (tx) => {
      await endSignIns(tx, { userId, id: signInId });
      tx.audit('auth.logout', 'user', userId, { sign_in_id: signInId });
    },
    ctx.caller,
  );
  rightsChanged();
  return { message: 'Logged out successfully' };
};

/** The doors through which people come and go. */
export const signInHandlers = (deps: SignInHandlerDeps) =>
  defineHandlers({
    login: (input, ctx) => login(deps, input, ctx),
    loginV1: (input, ctx) => login(deps, input, ctx),
    loginAdmin: (input, ctx) => loginAdmin(deps, input, ctx),
    getCaptcha: () => issueCaptcha(deps),
    refresh: (input, ctx) => refresh(deps, input, ctx),
    refreshV1: (input, ctx) => refresh(deps, input, ctx),
    refreshAdmin: (input, ctx) => refresh(deps, input, ctx),
    logout: (_input, ctx) => logout(deps, ctx),
    logoutBrief: (_input, ctx) => logout(deps, ctx),
    logoutAdmin: (_input, ctx) => logout(deps, ctx),
    getPublicKeys: async () => cacheable({ keys: await deps.tokens.publicKeys() }, 300),
  });
