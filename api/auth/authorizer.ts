import type { Request } from 'express';
import passport from 'passport';
import { Strategy } from 'passport-strategy';
import type { UserPrincipal } from '../../domain/identity/principal.ts';
import { isDatabaseAway } from '../../store/availability.ts';
import { requestOf } from '../http/request.ts';
import type { Sessions } from './sessions.ts';

const BEARER = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Passport's strategy for access tokens in the `Authorization` header. */
class BearerStrategy extends Strategy {
  readonly name = 'bearer';
  // Passport calls a copy made with Object.create, which has no private fields.
  readonly sessions: Sessions;

  constructor(sessions: Sessions) {
    super();
    this.sessions = sessions;
  }

  override authenticate(req: Request): void {
    const token = BEARER.exec(req.get('authorization') ?? '')?.[1];
    if (!token)
      return this.fail('Send an access token as "Authorization: Bearer …"; POST /auth/login gives one.', 401);
    this.sessions.find(token).then(
      (session) =>
        session
          ? this.success(session.principal)
          : this.fail('The access token is not valid, or no longer: sign in again.', 401),
      (error: Error) => this.error(error),
    );
  }
}

export interface Authorizer {
  /** @returns true when the caller is signed in and has the scopes. @throws an error with status 401 or 403 otherwise. */
  authorize(req: Request, scopes: readonly string[]): Promise<boolean>;
}

const refusal = (status: 401 | 403 | 500 | 503, message: string): Error =>
  Object.assign(new Error(message), { status });

/** The one place that decides who may call what: the scopes come from the operation in the spec. */
export const createAuthorizer = (sessions: Sessions): Authorizer => {
  const authenticator = new passport.Passport();
  authenticator.use(new BearerStrategy(sessions));
  const authenticate = (req: Request): Promise<UserPrincipal> =>
    new Promise((resolve, reject) => {
      const done = (error: unknown, user: UserPrincipal | false | null, info: unknown): void => {
        if (error)
          reject(
            refusal(
              isDatabaseAway(error) ? 503 : 500,
              error instanceof Error ? error.message : 'sign-in could not be checked',
            ),
          );
        else if (user) resolve(user);
        else reject(refusal(401, typeof info === 'string' ? info : 'Sign in first.'));
      };
      authenticator.authenticate('bearer', { session: false }, done)(req, req.res, reject);
    });
  return {
    authorize: async (req, scopes) => {
      const principal = await authenticate(req);
      requestOf(req).principal = principal;
      const missing = scopes.filter((scope) => !principal.scopes.has(scope));
      if (missing.length > 0)
        throw refusal(403, `Your role "${principal.role}" lacks ${missing.join(', ')}.`);
      return true;
    },
  };
};
