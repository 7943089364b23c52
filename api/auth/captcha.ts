import { createHmac, randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import { DomainError } from '../../domain/errors.ts';
import { deriveKey } from '../../platform/config.ts';
import type { Administration } from '../../store/administration.ts';
import { insertCaptcha, takeCaptcha } from '../../store/identity/captchas.ts';
import { drawDigits } from './captcha-image.ts';

const LENGTH = 5;
/** Seconds. */
const LIFE = 120;

export interface Captcha {
  readonly id: string;
  /** A PNG. */
  readonly image: Buffer;
  /** Seconds. */
  readonly expiresIn: number;
}

/** Pictures of digits, each good for one answer. They slow scripts down; what stops guessing are the limits of guesses. */
export class Captchas {
  readonly #administration: Administration;
  readonly #key: Buffer;

  constructor(administration: Administration, secretKey: Buffer) {
    this.#administration = administration;
    this.#key = deriveKey(secretKey, 'captcha');
  }

  async issue(): Promise<Captcha> {
    const id = randomUUID();
    const code = Array.from({ length: LENGTH }, () => randomInt(10)).join('');
    await this.#administration.read((db) =>
      insertCaptcha(db, { id, digest: this.#digest(id, code), seconds: LIFE }),
    );
    return { id, image: await drawDigits(code), expiresIn: LIFE };
  }

  /** Uses a captcha up, rightly or not. @throws DomainError `captcha_wrong`. */
  async require(given: {
    readonly id: string | undefined;
    readonly code: string | undefined;
  }): Promise<void> {
    const { id, code } = given;
    const stored = id && (await this.#administration.read((db) => takeCaptcha(db, id)));
    if (stored && id && code && timingSafeEqual(stored, this.#digest(id, code))) return;
    throw new DomainError(
      'unauthenticated',
      'captcha_wrong',
      'The captcha is not right, was used, or is over: get a new one at GET /api/v1/admin/auth/captcha.',
    );
  }

  /** Bound to its id: the answer to one is no answer to another. */
  #digest(id: string, code: string): Buffer {
    return createHmac('sha256', this.#key).update(`${id}/${code}`).digest();
  }
}
