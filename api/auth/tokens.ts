import { jwtVerify, SignJWT } from 'jose';
import { deriveKey, type Config } from '../../platform/config.ts';

const ISSUER = 'taskloom';

/** What an access token says: which sign-in it belongs to. Who that is, and what they may do, stands in the database. */
export interface TokenClaims {
  readonly signInId: string;
  readonly userId: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface Tokens {
  /** @returns a token that is valid for the configured seconds. */
  issue(claims: { signInId: string; userId: string }): Promise<string>;
  /** @returns what a token says, or `undefined` when it is forged, foreign or expired. */
  verify(token: string): Promise<TokenClaims | undefined>;
  readonly seconds: number;
}

/** Access tokens, signed with a key that only this installation has. */
export const createTokens = (config: Pick<Config, 'secretKey' | 'accessTokenSeconds'>): Tokens => {
  const key = deriveKey(config.secretKey, 'access-token');
  return {
    seconds: config.accessTokenSeconds,
    issue: ({ signInId, userId }) =>
      new SignJWT({ sid: signInId })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuer(ISSUER)
        .setSubject(userId)
        .setIssuedAt()
        .setExpirationTime(`${config.accessTokenSeconds}s`)
        .sign(key),
    verify: async (token) => {
      try {
        const { payload } = await jwtVerify(token, key, { issuer: ISSUER, algorithms: ['HS256'] });
        const { sid, sub, exp } = payload;
        if (typeof sid !== 'string' || typeof sub !== 'string' || typeof exp !== 'number') return undefined;
        return { signInId: sid, userId: sub, expiresAt: exp };
      } catch {
        return undefined;
      }
    },
  };
};
