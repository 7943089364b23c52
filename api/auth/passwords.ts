import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';

/** OWASP's first recommendation for argon2id: 19 MiB, two passes. It runs off the event loop. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Each takes memory and a core: more at once would only wait for each other. */
const MAX_CONCURRENT = Math.max(1, availableParallelism() - 1);

let running = 0;
const queue: (() => void)[] = [];

const bounded = async <T>(work: () => Promise<T>): Promise<T> => {
  if (running >= MAX_CONCURRENT) await new Promise<void>((resolve) => queue.push(resolve));
  running++;
  try {
    return await work();
  } finally {
    running--;
    queue.shift()?.();
  }
};

export const hashPassword = (password: string): Promise<string> => bounded(() => hash(password, PARAMETERS));

let decoy: Promise<string> | undefined;

/**
 * Compares a password with a hash. Without one it does the same work on a decoy, so that an unknown name takes as long
 * as a wrong password.
 */
export const verifyPassword = async (password: string, stored: string | undefined): Promise<boolean> => {
  decoy ??= hashPassword('a password that nobody has');
  const expected = stored ?? (await decoy);
  const matches = await bounded(() => verify(expected, password));
  return matches && stored !== undefined;
};
