import { RateLimited } from '../../domain/errors.ts';
import { GUESS_RULES, type Guess, type GuessKind, type GuessRules } from '../../domain/limits/guess.ts';
import { wholeSeconds } from '../../domain/limits/rate.ts';
import { sql, type Sql } from '../sql.ts';
import type { Store } from '../store.ts';
import type { LimitId } from './ids.ts';

/** Limits how often secrets can be guessed at, exactly, over all processes. */
export interface Guesses {
  /**
   * Call it before the secret is looked at. Counts the guess as a failure until `succeed` or `release` says otherwise, so
   * that of many at once no more get through than the rule allows. Says the same whether the account exists or not.
   * @throws RateLimited with the seconds to wait.
   */
  check(guess: Guess): Promise<void>;
  /** The guess was wrong: it stays counted, and is logged. */
  fail(guess: Guess): void;
  /** The guess was right: the account's counter begins anew, its address is known from now on. */
  succeed(guess: Guess): Promise<void>;
  /** Nobody could look whether the guess was right: it does not count. */
  release(guess: Guess): Promise<void>;
}

/** What is told about guesses, by digests of whom they were about. */
export interface GuessEvents {
  readonly refused: (kind: GuessKind) => void;
  readonly failed: (kind: GuessKind, ids: { account: string | null; address: string }) => void;
}

const MESSAGE = 'Too many attempts have failed. Wait before the next one.';

/** One spelling of an account: more of them would be more guesses. */
const spelling = (subject: string): string => subject.trim().normalize('NFKC').toLowerCase();

/**
 * @param idOf made with a key that only this installation has
 * @param addressOf what addresses are counted as: an IPv6 network counts as one
 */
export const createGuesses = (
  store: Store,
  deps: {
    readonly idOf: LimitId;
    readonly addressOf: (address: string) => string;
    readonly events: GuessEvents;
    readonly rules?: GuessRules;
  },
): Guesses => {
  const { idOf, addressOf, events, rules = GUESS_RULES } = deps;
  const ids = ({ kind, subject, address }: Guess) => {
    const from = addressOf(address);
    const account = subject === null ? null : spelling(subject);
    return {
      address: idOf(kind, 'address', from),
      account: account === null ? null : idOf(kind, 'account', account),
      known: account === null ? null : idOf(kind, 'known', account, from),
    };
  };
  const values = (guess: Guess): Sql => {
    const { address, account, known } = ids(guess);
    return sql`${guess.kind}, ${address}, ${account}, ${known}, ${JSON.stringify(rules[guess.kind])}`;
  };
  const settle = async (guess: Guess, right: boolean): Promise<void> => {
    await store.beforeWorkspace(sql`select settle_guess(${values(guess)}, ${right})`);
  };
  return {
    check: async (guess) => {
      const row = await store.beforeWorkspace<{ wait_ms: number }>(
        sql`select wait_ms from take_guess(${values(guess)})`,
      );
      if (!row || row.wait_ms === 0) return;
      events.refused(guess.kind);
      throw new RateLimited(wholeSeconds(row.wait_ms), MESSAGE);
    },
    fail: (guess) => {
      const { account, address } = ids(guess);
      events.failed(guess.kind, { account, address });
    },
    succeed: (guess) => settle(guess, true),
    release: (guess) => settle(guess, false),
  };
};
