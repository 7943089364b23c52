import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestHandler } from 'express';
import { KEY_PREFIX } from '../../domain/identity/api-key.ts';
import { findKeyPrincipal, noteKeyUse } from '../../store/identity/api-keys.repository.ts';
import type { Store } from '../../store/store.ts';
import type { Session } from './sessions.ts';

const RANDOM_BYTES = 32;
/** 32 bytes are 43 characters of base64url. */
const KEY = /^tl_live_[\w-]{43}$/;
const HINT_LENGTH = 4;
const NOTE_EVERY_MS = 60_000;
const MAX_NOTED = 10_000;

/** Whether a credential claims to be an API key. */
export const looksLikeKey = (credential: string): boolean => credential.startsWith(KEY_PREFIX);

/** SHA-256, not a slow hash: nobody tries 2^256 keys, and every request pays for this one. */
const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** A new key. @returns what its owner sees once, and what is kept of it. */
export const createKey = (): { key: string; hash: Buffer; hint: string } => {
  const key = KEY_PREFIX + randomBytes(RANDOM_BYTES).toString('base64url');
  return { key, hash: hashOf(key), hint: key.slice(-HINT_LENGTH) };
};

/** Takes `X-API-Key` for `Authorization: Bearer`, which wins where both are sent. From here on there is one credential. */
export const acceptKeyHeader = (headers: IncomingHttpHeaders): void => {
  const key = headers['x-api-key'];
  if (typeof key === 'string' && looksLikeKey(key)) headers.authorization ??= `Bearer ${key}`;
};

/** {@link acceptKeyHeader} for every request. */
export const keyHeader: RequestHandler = (req, _res, next) => {
  acceptKeyHeader(req.headers);
  next();
};

/** Finds for whom API keys act. Any key of the right shape costs one hash and one look into an index, known or not. */
export class ApiKeys {
  readonly #store: Store;
  /** When this process last noted the use of a key. */
  readonly #noted = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @returns the session of a key that is valid now, else `undefined`. */
  async find(key: string): Promise<Session | undefined> {
    if (!KEY.test(key)) return undefined;
    const found = await findKeyPrincipal(this.#store, hashOf(key));
    if (!found) return undefined;
    this.#note(found.keyId);
    return {
      principal: found.principal,
      expiresAt: found.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    };
  }

  /** Nobody waits for this: a use that is not noted is noted with the next one. */
  #note(keyId: string): void {
    const now = Date.now();
    if (now - (this.#noted.get(keyId) ?? 0) < NOTE_EVERY_MS) return;
    if (this.#noted.size >= MAX_NOTED) this.#noted.clear();
    this.#noted.set(keyId, now);
    noteKeyUse(this.#store, keyId).catch(() => void this.#noted.delete(keyId));
  }
}
