import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deriveKey } from './config.ts';

const ALGORITHM = 'aes-256-gcm';
const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a text for storing it (AES-256-GCM).
 * @param purpose what the text is, such as `setting`: the key is this purpose's own.
 * @param owner whose it is, such as its row's id: sealed for one, it can't be opened for another.
 */
export const seal = (secretKey: Buffer, purpose: string, owner: string, text: string): string => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, deriveKey(secretKey, `sealed/${purpose}`), nonce);
  cipher.setAAD(Buffer.from(owner));
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${VERSION}.${sealed.toString('base64url')}`;
};

/** What {@link seal} has closed. @throws Error when it was changed, or sealed with another key or for another owner. */
export const open = (secretKey: Buffer, purpose: string, owner: string, sealed: string): string => {
  const [version, body = ''] = sealed.split('.');
  const bytes = Buffer.from(body, 'base64url');
  try {
    if (version !== VERSION || bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('not sealed here');
    const key = deriveKey(secretKey, `sealed/${purpose}`);
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(owner));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
      decipher.final(),
    ]).toString('utf8');
  } catch {
    throw new Error(
      `A stored secret (${purpose}) can't be opened: it was sealed with another TASKLOOM_SECRET_KEY, or was changed`,
    );
  }
};
