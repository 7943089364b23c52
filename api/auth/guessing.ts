import { DomainError } from '../../domain/errors.ts';
import type { Guess } from '../../domain/limits/guess.ts';
import type { Guesses } from '../../store/limits/guesses.ts';

/** A guess counts as wrong until it is settled: more of them at once would look like an attack. */
const TOGETHER = 2;

interface Line {
  busy: number;
  readonly waiting: (() => void)[];
}

const lines = new Map<string, Line>();

/** Lets a few at a time look at one secret; the others wait for them in this process. */
const inLine = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
  const line = lines.get(key) ?? { busy: 0, waiting: [] };
  lines.set(key, line);
  if (line.busy >= TOGETHER) await new Promise<void>((resolve) => line.waiting.push(resolve));
  else line.busy++;
  try {
    return await work();
  } finally {
    const next = line.waiting.shift();
    // Who is next takes the place that is left.
    if (next) next();
    else if (--line.busy === 0) lines.delete(key);
  }
};

/**
 * Does `work`, which looks at a secret that somebody may be guessing at. What fails with one of these codes was a wrong
 * guess; any other failure says nothing about the secret.
 * @throws RateLimited before the secret is looked at; what `work` throws.
 */
export const guessing = <T>(
  guesses: Guesses,
  guess: Guess,
  wrong: readonly string[],
  work: () => Promise<T>,
): Promise<T> =>
  inLine(`${guess.kind}/${guess.subject ?? guess.address}`, async () => {
    await guesses.check(guess);
    try {
      const answer = await work();
      await guesses.succeed(guess);
      return answer;
    } catch (error) {
      if (error instanceof DomainError && wrong.includes(error.code)) guesses.fail(guess);
      // Where the database is away the guess stays counted: the next right one clears it.
      else await guesses.release(guess).catch(() => {});
      throw error;
    }
  });
