import { createHash, createHmac, randomBytes } from 'node:crypto';
import { deriveKey } from '../../platform/config.ts';

/** Tokens that say nothing by themselves: 256 random bits behind a prefix that says what they are for. */
export type OpaqueKind = 'tlr' | 'tlp' | 'tli';

export const newOpaque = (kind: OpaqueKind): string => `${kind}_${randomBytes(32).toString('base64url')}`;

/** What is stored of a token. Its bits can't be guessed, so one round of SHA-256 is enough. */
export const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/**
 * The refresh token that follows one, always the same: the answer to a client whose first answer was lost, although only
 * digests are stored.
 */
export const successorOf = (master: Buffer, token: string): string =>
  `tlr_${createHmac('sha256', deriveKey(master, 'refresh-token')).update(token).digest('base64url')}`;
