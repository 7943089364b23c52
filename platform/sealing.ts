import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps short secrets in the database so that the database alone does not tell them. */
export interface Sealing {
  /** @param about what the secret belongs to: it opens for nothing else. @returns base64. */
  seal(secret: string, about: string): string;
  /** @throws Error when it was sealed by another key, for something else, or changed since. */
  open(sealed: string, about: string): string;
}

/** AES-256-GCM. @param key 32 bytes, of one purpose (`deriveKey`). */
export const createSealing = (key: Buffer): Sealing => ({
  seal: (secret, about) => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about));
    const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64');
  },
  open: (sealed, about) => {
    const bytes = Buffer.from(sealed, 'base64');
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(about))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    return (
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    );
  },
});
