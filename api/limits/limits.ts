import type { IncomingMessage } from 'node:http';
import type { ErrorRequestHandler, Request, Response } from 'express';
import { RateLimited } from '../../domain/errors.ts';
import type { UserPrincipal } from '../../domain/identity/principal.ts';
import { tightest, wholeSeconds, type CountedClass, type LimitClass } from '../../domain/limits/rate.ts';
import type { Network } from '../../platform/limit-settings.ts';
import { isDatabaseAway } from '../../store/availability.ts';
import type { LimitId } from '../../store/limits/ids.ts';
import type { Guesses } from '../../store/limits/guesses.ts';
import { maybeOperationOf } from '../http/matched.ts';
import { requestOf } from '../http/request.ts';
import { isWarming } from '../http/warm.ts';
import { addressKey, clientAddress } from './address.ts';
import type { Buckets, Holder, Taken } from './buckets.ts';
import { bucketId } from './exchange.ts';
import { setRateHeaders } from './headers.ts';

export interface LimitsDeps {
  readonly buckets: Buckets;
  readonly guesses: Guesses;
  readonly idOf: LimitId;
  readonly trustedProxies: readonly Network[];
  readonly refused: (limitClass: CountedClass) => void;
}

/** Whose requests are counted together: a person, wherever they come from. */
const holderOf = (principal: UserPrincipal): Holder => ({
  kind: 'user',
  userId: principal.userId,
  name: principal.displayName,
});

const refusal = ({ windows }: Taken): RateLimited => {
  // Whoever waits for the longest of the windows that are used up gets through.
  const waitMs = Math.max(0, ...windows.filter(({ remaining }) => remaining === 0).map((w) => w.resetMs));
  const { limit, name } = tightest(windows) ?? { limit: 0, name: 'minute' };
  return new RateLimited(
    wholeSeconds(waitMs),
    `At most ${limit} such requests ${name === 'minute' ? 'a minute' : 'an hour'}. Wait before the next one.`,
  );
};

/** Counts requests by principal or address and class of operation, and refuses those beyond the limit. */
export class Limits {
  readonly #deps: LimitsDeps;
  readonly #charged = new WeakMap<object, Promise<RateLimited | undefined>>();

  constructor(deps: LimitsDeps) {
    this.#deps = deps;
  }

  /** The address of a request's client, as far as it can be trusted. */
  addressOf(req: IncomingMessage): string {
    return clientAddress(req, this.#deps.trustedProxies);
  }

  /**
   * Counts a request once, however often it is asked about, and says in its answer's headers what is left.
   * @returns the refusal, if it is one request too many.
   */
  charge(req: Request, res: Response, limitClass: LimitClass): Promise<RateLimited | undefined> {
    const known = this.#charged.get(req);
    if (known) return known;
    const charged = this.#charge(req, res, limitClass);
    this.#charged.set(req, charged);
    return charged;
  }

  /** Counts what opens a socket: the connection by its address, then the sign-in by its person. */
  async admit(from: IncomingMessage | UserPrincipal): Promise<RateLimited | undefined> {
    const isPerson = 'userId' in from;
    const holder: Holder = isPerson
      ? holderOf(from)
      : { kind: 'address', address: addressKey(this.addressOf(from)) };
    const { refused } = await this.#take(isPerson ? 'read' : 'public', holder);
    return refused;
  }

  /** Counts a credential that is not valid. @returns the refusal, if its address has shown too many. */
  async badCredential(req: IncomingMessage): Promise<RateLimited | undefined> {
    const guess = { kind: 'credential', subject: null, address: this.addressOf(req) } as const;
    try {
      await this.#deps.guesses.check(guess);
      this.#deps.guesses.fail(guess);
      return undefined;
    } catch (error) {
      if (error instanceof RateLimited) {
        this.#charged.set(req, Promise.resolve(error));
        return error;
      }
      // What can't be counted exactly is still counted as a request, in this process.
      if (isDatabaseAway(error)) return undefined;
      throw error;
    }
  }

  /** Begins a bucket anew that an operator has lifted. */
  lifted(ids: readonly string[]): Promise<void> {
    return this.#deps.buckets.forget((limitClass, holder) =>
      ids.includes(bucketId(this.#deps.idOf, limitClass, holder)),
    );
  }

  /** Counts requests that failed before anybody did, and answers those beyond the limit with that alone. */
  readonly onError: ErrorRequestHandler = async (error, req, res, _next) => {
    if (isWarming(req)) throw error;
    const limitClass = maybeOperationOf(req)?.schema['x-limit-class'];
    const open = limitClass === 'free' || limitClass === 'sign-in' ? limitClass : 'public';
    throw (await this.charge(req, res, open)) ?? error;
  };

  async #charge(req: Request, res: Response, limitClass: LimitClass): Promise<RateLimited | undefined> {
    if (limitClass === 'free') return undefined;
    const { principal } = requestOf(req);
    const holder: Holder = principal
      ? holderOf(principal)
      : { kind: 'address', address: addressKey(this.addressOf(req)) };
    const { windows, refused } = await this.#take(limitClass, holder);
    setRateHeaders(res, windows);
    return refused;
  }

  async #take(limitClass: CountedClass, holder: Holder) {
    const taken = await this.#deps.buckets.take(limitClass, holder);
    if (taken.allowed) return { windows: taken.windows, refused: undefined };
    this.#deps.refused(limitClass);
    return { windows: taken.windows, refused: refusal(taken) };
  }
}
