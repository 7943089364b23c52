import { pino, type Logger } from 'pino';

export type Log = Logger;

/** Secrets never reach a log, wherever in an object they stand. */
const SECRET_PATHS = ['password', 'token', 'authorization', 'access_token', 'apiKey', 'secret'].flatMap(
  (name) => [name, `*.${name}`, `*.*.${name}`],
);

/** JSON lines on standard output, one logger a process. */
export const createLogger = (name: string, level: string): Log =>
  pino({
    name,
    level,
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
