import type { UserPrincipal } from '../../domain/identity/principal.ts';
import type { LiveBus } from '../../store/live/bus.ts';
import { findPrincipal } from '../../store/identity/identity.repository.ts';
import type { Store } from '../../store/store.ts';
import { looksLikeKey, type ApiKeys } from './api-keys.ts';
import type { Tokens } from './tokens.ts';

const MAX_CACHED = 10_000;
/** A revocation is told to every process at once; should that hint be lost, it still acts within this time. */
const RECHECK_MS = 5_000;

export interface Session {
  readonly principal: UserPrincipal;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface Cached extends Session {
  readonly recheckAt: number;
}

/** Finds who a token or an API key belongs to. Verified tokens are remembered for a few seconds, and forgotten when identities change. */
export class Sessions {
  readonly #store: Store;
  readonly #tokens: Tokens;
  readonly #keys: ApiKeys;
  readonly #cache = new Map<string, Cached>();
  readonly #listeners = new Set<() => void>();
  #changes = 0;

  constructor(store: Store, tokens: Tokens, keys: ApiKeys, bus: LiveBus) {
    this.#store = store;
    this.#tokens = tokens;
    this.#keys = keys;
    bus.on('taskloom_identity', () => {
      this.#changes++;
      this.#cache.clear();
      for (const listener of this.#listeners) listener();
    });
  }

  /** Calls back when somebody's rights changed: whoever holds a session looks it up again. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @returns the session of a token or an API key that is valid now, else `undefined`. */
  async find(token: string): Promise<Session | undefined> {
    const now = Date.now();
    const cached = this.#cache.get(token);
    if (cached && cached.recheckAt > now && cached.expiresAt > now) return cached;
    this.#cache.delete(token);
    const changes = this.#changes;
    const found = looksLikeKey(token) ? await this.#keys.find(token) : await this.#findSignIn(token);
    if (!found) return undefined;
    const session = { ...found, recheckAt: now + RECHECK_MS };
    // What was looked up while rights changed may be old.
    if (changes !== this.#changes) return session;
    if (this.#cache.size >= MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value ?? '');
    this.#cache.set(token, session);
    return session;
  }

  async #findSignIn(token: string): Promise<Session | undefined> {
    const claims = await this.#tokens.verify(token);
    const principal = claims && (await findPrincipal(this.#store, claims.signInId));
    return principal && { principal, expiresAt: claims.expiresAt * 1_000 };
  }
}
