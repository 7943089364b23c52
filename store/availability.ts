const CODES = /^(ECONNREFUSED|ECONNRESET|EPIPE|57P0[123]|53300|08...|40001|40P01|55P03)$/;
/** For errors that arrive with nothing but their words. */
const WORDS =
  /Connection terminated|timeout exceeded when trying to connect|not queryable|the database system is|connect ECONNREFUSED|ECONNRESET|EPIPE|terminating connection/;

/** Connection refused or broken, shutting down or recovering, too many connections, a deadlock or a lock waited for in vain: trying again in a moment helps. */
export const isDatabaseAway = (error: unknown): boolean => {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  return CODES.test(code ?? '') || WORDS.test(message ?? '');
};

const RETRY_MS = 300;

/** Repeats `work` for as long as only the database is away. @throws what else it throws, and the signal's reason. */
export const whileDatabaseAway = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !isDatabaseAway(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
};
