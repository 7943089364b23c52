import { DomainError } from '../../domain/errors.ts';
import type { Guess } from '../../domain/limits/guess.ts';
import type { Guesses } from '../../store/limits/guesses.ts';

/**
 * Does `work`, which looks at a secret that somebody may be guessing at. What fails with one of these codes was a wrong
 * guess; any other failure says nothing about the secret.
 * @throws RateLimited before the secret is looked at; what `work` throws.
 */
export const guessing = async <T>(
  guesses: Guesses,
  guess: Guess,
  wrong: readonly string[],
  work: () => Promise<T>,
): Promise<T> => {
  await guesses.check(guess);
  try {
    const answer = await work();
    await guesses.succeed(guess);
    return answer;
  } catch (error) {
    if (error instanceof DomainError && wrong.includes(error.code)) guesses.fail(guess);
    else await guesses.release(guess);
    throw error;
  }
};
