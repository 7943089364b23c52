import { createHmac } from 'node:crypto';

const LENGTH = 22;

/** Names a counter without saying whose it is: only who has the key can tell which account or address an id stands for. */
export type LimitId = (...parts: readonly string[]) => string;

/** @param key derived for this purpose alone */
export const limitIds =
  (key: Buffer): LimitId =>
  (...parts) =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url').slice(0, LENGTH);
