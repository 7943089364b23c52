import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, exportJWK, jwtVerify, SignJWT, type JWK } from 'jose';
import { ANYONE } from '../../domain/identity/principal.ts';
import { deriveKey, type Config } from '../../platform/config.ts';
import type { LiveBus } from '../../store/live/bus.ts';
import { listSigningKeys } from '../../store/identity/signing-keys.ts';
import type { Store } from '../../store/store.ts';

const ISSUER = 'taskloom';
const ALGORITHM = 'EdDSA';
/** PKCS #8 around the 32 bytes of an Ed25519 key (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
/** A token that names a key unknown here may come from a process that knows a newer one; forged ones must not cost more. */
const RELOAD_MS = 2_000;

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
  /** The public halves of all keys whose tokens are accepted (RFC 7517). */
  publicKeys(): Promise<JWK[]>;
  readonly seconds: number;
}

interface Key {
  readonly kid: string;
  readonly isRetired: boolean;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The installation's key of this name: nothing secret is stored, as the master key makes it again. */
const keyOf = (master: Buffer, kid: string, isRetired: boolean): Key => {
  const seed = deriveKey(master, `access-token/${kid}`);
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return { kid, isRetired, privateKey, publicKey: createPublicKey(privateKey) };
};

/** The keys that are in use, as the database names them; loaded when first needed and after a rotation. */
class KeyRing {
  readonly #store: Store;
  readonly #master: Buffer;
  #keys: Promise<readonly Key[]> | undefined;
  #loadedAt = 0;

  constructor(store: Store, master: Buffer, bus: LiveBus) {
    this.#store = store;
    this.#master = master;
    bus.on('taskloom_identity', () => (this.#keys = undefined));
  }

  all(): Promise<readonly Key[]> {
    this.#keys ??= this.#load();
    return this.#keys;
  }

  async find(kid: unknown): Promise<Key | undefined> {
    const found = (await this.all()).find((key) => key.kid === kid);
    if (found || Date.now() - this.#loadedAt < RELOAD_MS) return found;
    this.#keys = undefined;
    return (await this.all()).find((key) => key.kid === kid);
  }

  async current(): Promise<Key> {
    const key = (await this.all()).find(({ isRetired }) => !isRetired);
    if (!key) throw new Error('There is no key to sign access tokens with: run `npm run migrate`');
    return key;
  }

  async #load(): Promise<readonly Key[]> {
    try {
      const rows = await this.#store.read(ANYONE, listSigningKeys);
      this.#loadedAt = Date.now();
      return rows.map(({ kid, is_retired }) => keyOf(this.#master, kid, is_retired));
    } catch (error) {
      this.#keys = undefined;
      throw error;
    }
  }
}

/** Access tokens, signed with a key that only this installation has; keys rotate by name (`kid`). */
export const createTokens = (
  config: Pick<Config, 'secretKey' | 'accessTokenSeconds'>,
  store: Store,
  bus: LiveBus,
): Tokens => {
  const ring = new KeyRing(store, config.secretKey, bus);
  return {
    seconds: config.accessTokenSeconds,
    issue: async ({ signInId, userId }) => {
      const { kid, privateKey } = await ring.current();
      return new SignJWT({ sid: signInId })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
        .setIssuer(ISSUER)
        .setSubject(userId)
        .setIssuedAt()
        .setExpirationTime(`${config.accessTokenSeconds}s`)
        .sign(privateKey);
    },
    verify: async (token) => {
      let kid: unknown;
      try {
        kid = decodeProtectedHeader(token).kid;
      } catch {
        return undefined;
      }
      const key = await ring.find(kid);
      if (!key) return undefined;
      try {
        const options = { issuer: ISSUER, algorithms: [ALGORITHM] };
        const { sid, sub, exp } = (await jwtVerify(token, key.publicKey, options)).payload;
        if (typeof sid !== 'string' || typeof sub !== 'string' || typeof exp !== 'number') return undefined;
        return { signInId: sid, userId: sub, expiresAt: exp };
      } catch {
        return undefined;
      }
    },
    publicKeys: async () =>
      Promise.all(
        (await ring.all()).map(async ({ kid, publicKey }) => ({
          ...(await exportJWK(publicKey)),
          kid,
          alg: ALGORITHM,
          use: 'sig',
        })),
      ),
  };
};
