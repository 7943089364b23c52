import type { Request } from 'express';
import passport from 'passport';
import { Strategy } from 'passport-strategy';
import type { UserPrincipal } from '../../domain/identity/principal.ts';
import { isDatabaseAway } from '../../store/availability.ts';
import { requestOf } from '../http/request.ts';
import type { Sessions } from './sessions.ts';

const BEARER = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;
const KEY = /^Bearer (tl_live_\S+)$/i;

const SEND_A_TOKEN = 'Send an access token as "Authorization: Bearer …"; POST /auth/login gives one.';

/** Passport's strategy for one kind of credential in the `Authorization` header. */
class HeaderStrategy extends Strategy {
  readonly name: string;
  // Passport calls a copy made with Object.create, which has no private fields.
  readonly sessions: Sessions;
  readonly shape: RegExp;
  readonly refused: string;

  constructor(name: string, sessions: Sessions, shape: RegExp, refused: string) {
    super();
    this.name = name;
    this.sessions = sessions;
    this.shape = shape;
    this.refused = refused;
  }

  override authenticate(req: Request): void {
    const credential = this.shape.exec(req.get('authorization') ?? '')?.[1];
    if (!credential) return this.fail(SEND_A_TOKEN, 401);
    this.sessions.find(credential).then(
      (session) => (session ? this.success(session.principal) : this.fail(this.refused, 401)),
      (error: Error) => this.error(error),
    );
  }
}

const bearer = (sessions: Sessions): Strategy =>
  new HeaderStrategy(
    'bearer',
    sessions,
    BEARER,
    'The access token is not valid, or no longer: sign in again.',
  );

const apiKey = (sessions: Sessions): Strategy =>
  new HeaderStrategy('api-key', sessions, KEY, 'The API key is not known, or has ended.');

const strategyFor = (req: Request): 'api-key' | 'bearer' =>
  KEY.test(req.get('authorization') ?? '') ? 'api-key' : 'bearer';

export interface Authorizer {
  /**
   * @param takesKeys whether the operation is open to API keys.
   * @returns true when the caller is signed in and has the scopes. @throws an error with status 401 or 403 otherwise.
   */
  authorize(req: Request, scopes: readonly string[], takesKeys: boolean): Promise<boolean>;
}

const refusal = (status: 401 | 403 | 500 | 503, message: string): Error =>
  Object.assign(new Error(message), { status });

/** The one place that decides who may call what: the scopes come from the operation in the spec. */
export const createAuthorizer = (sessions: Sessions): Authorizer => {
  const authenticator = new passport.Passport();
  authenticator.use(bearer(sessions)).use(apiKey(sessions));
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
      authenticator.authenticate(strategyFor(req), { session: false }, done)(req, req.res, reject);
    });
  return {
    authorize: async (req, scopes, takesKeys) => {
      const principal = await authenticate(req);
      requestOf(req).principal = principal;
      const missing = scopes.filter((scope) => !principal.scopes.has(scope));
      const who = principal.apiKeyId === undefined ? `Your role "${principal.role}"` : 'Your API key';
      if (missing.length > 0) throw refusal(403, `${who} lacks ${missing.join(', ')}.`);
      if (principal.apiKeyId !== undefined && !takesKeys)
        throw refusal(403, 'This is for people: sign in, an API key is not enough.');
      return true;
    },
  };
};
