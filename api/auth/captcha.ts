import { createHmac, randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import { DomainError } from '../../domain/errors.ts';
import { deriveKey } from '../../platform/config.ts';
import type { Administration } from '../../store/administration.ts';
import { insertCaptcha, takeCaptcha } from '../../store/identity/captchas.ts';
import type { Guesses } from '../../store/limits/guesses.ts';
import { guessing } from './guessing.ts';
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

interface Given {
  readonly id: string | undefined;
  readonly code: string | undefined;
}

/** Pictures of digits, each good for one answer. They slow scripts down; what stops guessing are the limits of guesses. */
export class Captchas {
  readonly #administration: Administration;
  readonly #guesses: Guesses;
  readonly #key: Buffer;

  constructor(administration: Administration, guesses: Guesses, secretKey: Buffer) {
    this.#administration = administration;
    this.#guesses = guesses;
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

  /** Uses a captcha up, rightly or not. @throws DomainError `captcha_wrong`, or RateLimited. */
  require(given: Given, address: string): Promise<void> {
    const guess = { kind: 'captcha', subject: null, address } as const;
    return guessing(this.#guesses, guess, ['captcha_wrong'], () => this.#check(given));
  }

  async #check({ id, code }: Given): Promise<void> {
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
