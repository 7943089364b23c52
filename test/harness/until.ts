const EVERY_MS = 25;

/** Waits for a condition, asking again and again. @returns its first truthy value. @throws Error with what was seen last. */
export const until = async <T>(
  look: () => Promise<T | undefined | false>,
  what: string,
  timeoutMs = 30_000,
): Promise<T> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
};
