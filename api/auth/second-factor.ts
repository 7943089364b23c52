import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { conflict, DomainError } from '../../domain/errors.ts';
import type { Principal } from '../../domain/identity/principal.ts';
import { open, seal } from '../../platform/sealed.ts';
import type { Administration } from '../../store/administration.ts';
import {
  findTotp,
  needsSecondFactor,
  removeTotp,
  storeRecoveryCodes,
  storeTotp,
  takeRecoveryCode,
  useTotpStep,
} from '../../store/identity/second-factors.ts';
import type { Writer } from '../../store/store.ts';
import type { Guesses } from '../../store/limits/guesses.ts';
import { guessing } from './guessing.ts';
import type { Caller } from './sign-in.ts';
import { digestOf } from './opaque.ts';

const PERIOD_SECONDS = 30;
/** A clock may be half a minute off. */
const WINDOW = 1;
const RECOVERY_CODES = 10;

const wrongCode = (): DomainError =>
  new DomainError(
    'unauthenticated',
    'second_factor_wrong',
    'The code is not right, or was used: take the next one.',
  );

/** Written like `k3v9w-x8q2m`: 50 random bits that people can type. */
const newRecoveryCode = (): string => {
  const text = Array.from(randomBytes(10), (byte) => 'abcdefghjkmnpqrstuvwxyz23456789'[byte % 31]).join('');
  return `${text.slice(0, 5)}-${text.slice(5)}`;
};

type Person = Principal & { readonly userId: string };

/** One-time codes (RFC 6238) as a second factor, with recovery codes for a lost device. */
export class SecondFactors {
  readonly #administration: Administration;
  readonly #guesses: Guesses;
  readonly #secretKey: Buffer;

  constructor(administration: Administration, guesses: Guesses, secretKey: Buffer) {
    this.#administration = administration;
    this.#guesses = guesses;
    this.#secretKey = secretKey;
  }

  isNeeded(userId: string): Promise<boolean> {
    return this.#administration.read((db) => needsSecondFactor(db, userId));
  }

  /** Makes a secret that counts from the first right code on. @throws DomainError `second_factor_on`. */
  async begin(person: Person, email: string): Promise<{ secret: string; url: string }> {
    const secret = new Secret({ size: 20 });
    await this.#administration.write(person, async (tx) => {
      if ((await findTotp(tx, person.userId))?.is_confirmed)
        throw conflict('second_factor_on', 'A second factor is on already: turn it off first.');
      await storeTotp(tx, person.userId, seal(this.#secretKey, 'totp', person.userId, secret.base32));
    });
    return { secret: secret.base32, url: this.#totp(secret.base32, email).toString() };
  }

  /** Puts the secret into use. @returns recovery codes, shown this once. @throws DomainError `second_factor_wrong`, or RateLimited. */
  async confirm(person: Person, code: string, caller: Caller): Promise<string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    await this.#guess(
      person,
      async (tx) => {
        if (!(await this.#takeCode(tx, person.userId, code))) throw wrongCode();
        await storeRecoveryCodes(tx, person.userId, codes.map(digestOf));
        tx.audit('auth.second_factor_on', 'user', person.userId, {});
      },
      caller,
    );
    return codes;
  }

  /** Takes a one-time or recovery code, each for one use. @throws DomainError `second_factor_wrong`, or RateLimited. */
  async require(person: Person, code: string, caller: Caller): Promise<void> {
    await this.#guess(
      person,
      async (tx) => {
        if (await this.#takeCode(tx, person.userId, code)) return;
        if (!(await takeRecoveryCode(tx, person.userId, digestOf(code.trim().toLowerCase()))))
          throw wrongCode();
        tx.audit('auth.recovery_code_used', 'user', person.userId, {});
      },
      caller,
    );
  }

  /** @returns whether it was on. */
  turnOff(person: Person, caller: Caller): Promise<boolean> {
    return this.#administration.write(
      person,
      async (tx) => {
        const wasOn = await removeTotp(tx, person.userId);
        if (wasOn) tx.audit('auth.second_factor_off', 'user', person.userId, {});
        return wasOn;
      },
      caller,
    );
  }

  /** Whoever has a person's token or password may be guessing at their codes. */
  #guess(person: Person, work: (tx: Writer) => Promise<void>, caller: Caller): Promise<void> {
    const guess = { kind: 'totp', subject: person.userId, address: caller.client.address } as const;
    return guessing(this.#guesses, guess, ['second_factor_wrong'], () =>
      this.#administration.write(person, work, caller),
    );
  }

  #totp(secret: string, label = ''): TOTP {
    return new TOTP({ issuer: 'Taskloom', label, secret: Secret.fromBase32(secret), period: PERIOD_SECONDS });
  }

  async #takeCode(tx: Writer, userId: string, code: string): Promise<boolean> {
    const row = await findTotp(tx, userId);
    if (!row) return false;
    const totp = this.#totp(open(this.#secretKey, 'totp', userId, row.sealed));
    const drift = totp.validate({ token: code.replace(/\s/g, ''), window: WINDOW });
    if (drift === null) return false;
    const step = Math.floor(Date.now() / 1_000 / PERIOD_SECONDS) + drift;
    // Of one code given twice at once, the row's lock lets one through.
    if (step <= row.last_step) return false;
    await useTotpStep(tx, userId, step);
    return true;
  }
}
