import { invalid } from '../errors.ts';

/** The levels that can be chosen, by the words that people use; the values are the logger's own. */
const LEVELS: Readonly<Record<string, string>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'fatal',
};

/** The logger's level for a word in any case. @throws DomainError validation for another word. */
export const toLogLevel = (word: string): string => {
  const level = Object.hasOwn(LEVELS, word.toUpperCase()) ? LEVELS[word.toUpperCase()] : undefined;
  if (level === undefined)
    throw invalid('body.log_level', 'must be TRACE, DEBUG, INFO, WARNING, ERROR or FATAL, in any case');
  return level;
};

/** How a level of the logger is shown: `WARNING` for `warn`. */
export const logLevelWord = (level: string): string =>
  Object.keys(LEVELS).find((word) => LEVELS[word] === level) ?? level.toUpperCase();
