import type { SecondFactors } from '../../auth/second-factor.ts';
import { defineHandlers, reply } from '../../http/operation.ts';
import { changePassword, requestPasswordReset, resetPassword, type AccountDeps } from './account.flows.ts';

export interface PasswordDeps extends AccountDeps {
  readonly secondFactors: SecondFactors;
}

/** How passwords change, and what may be asked beside them. */
export const passwordHandlers = (deps: PasswordDeps) =>
  defineHandlers({
    changePassword: async ({ body }, ctx) => {
      const given = { current: body.current_password, next: body.new_password };
      await changePassword(deps, ctx.principal, given, ctx.caller);
      return undefined;
    },

    requestPasswordReset: async ({ body }, ctx) => {
      // Nobody waits for it: how long it takes would say whether there is an account.
      void requestPasswordReset(deps, body.email, ctx.caller).catch((err: unknown) =>
        ctx.log.error({ err }, 'a password could not be reset'),
      );
      return reply(202, { message: 'Whoever has an account with this address gets a link.' });
    },

    resetPassword: async ({ body }, ctx) => {
      await resetPassword(deps, { token: body.token, password: body.new_password }, ctx.caller);
      return undefined;
    },

    beginSecondFactor: (_input, ctx) => deps.secondFactors.begin(ctx.principal, ctx.principal.email),
    confirmSecondFactor: async ({ body }, ctx) => ({
      recovery_codes: await deps.secondFactors.confirm(ctx.principal, body.code, ctx.caller),
    }),
    removeSecondFactor: async ({ body }, ctx) => {
      await deps.secondFactors.require(ctx.principal, body.code, ctx.caller);
      await deps.secondFactors.turnOff(ctx.principal, ctx.caller);
      return undefined;
    },
  });
