import { GUESS_RULES, type GuessKind } from '../../domain/limits/guess.ts';
import type { CountedClass } from '../../domain/limits/rate.ts';
import { deriveKey, type Config } from '../../platform/config.ts';
import { parseProxies } from '../../platform/limit-settings.ts';
import type { Log } from '../../platform/logger.ts';
import type { Shutdown } from '../../platform/shutdown.ts';
import { createGuesses, type Guesses } from '../../store/limits/guesses.ts';
import { limitIds } from '../../store/limits/ids.ts';
import type { LiveBus } from '../../store/live/bus.ts';
import type { Store } from '../../store/store.ts';
import { addressKey } from './address.ts';
import { Buckets } from './buckets.ts';
import { Exchange } from './exchange.ts';
import { Limits } from './limits.ts';

export interface LimitsParts {
  readonly config: Pick<Config, 'rates' | 'http' | 'secretKey'>;
  readonly log: Log;
  readonly shutdown: Shutdown;
  readonly store: Store;
  readonly bus: LiveBus;
  readonly count: {
    readonly refused: (limitClass: CountedClass) => void;
    readonly guessed: (kind: GuessKind, outcome: 'failed' | 'refused') => void;
  };
}

export interface OpenLimits {
  readonly limits: Limits;
  readonly guesses: Guesses;
  /** Tells all processes that limits were lifted. */
  readonly announceLifted: (ids: readonly string[]) => void;
}

/** The limits of this API process, shared with the others. */
export const openLimits = ({ config, log, shutdown, store, bus, count }: LimitsParts): OpenLimits => {
  const idOf = limitIds(deriveKey(config.secretKey, 'limits'));
  const buckets = new Buckets(config.rates);
  const exchange = new Exchange(buckets, { store, idOf, log, knownMs: GUESS_RULES['sign-in'].knownMs });
  shutdown.add('rate limits', () => exchange.stop());
  const guesses = createGuesses(store, {
    idOf,
    addressOf: addressKey,
    events: {
      refused: (kind) => count.guessed(kind, 'refused'),
      failed: (kind, ids) => {
        count.guessed(kind, 'failed');
        log.info({ kind, ...ids }, 'a guess was wrong');
      },
    },
  });
  const trustedProxies = parseProxies(config.http.trustedProxies);
  const limits = new Limits({ buckets, guesses, idOf, trustedProxies, refused: count.refused });
  bus.on('taskloom_limits', (ids) => void limits.lifted(ids ?? []));
  return { limits, guesses, announceLifted: (ids) => bus.hint('taskloom_limits', ids) };
};
