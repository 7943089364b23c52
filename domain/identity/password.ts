import { invalid } from '../errors.ts';

/** NIST SP 800-63B: length counts, composition rules don't; what others have guessed before is refused. */
const MIN_PASSWORD_LENGTH = 12;

/** What a password must not be made of: its owner's own names. */
export interface Owner {
  readonly email: string;
  readonly username: string;
}

/** Padding by which a common password is made long: `password123!`, `!!password`. */
const core = (password: string): string => password.toLowerCase().replace(/^[^a-z]+|[^a-z]+$/g, '');

/** The shortest text that a text repeats: `abc` of `abcabcabc`, else the text itself. */
const period = (text: string): string => {
  const at = `${text}${text}`.indexOf(text, 1);
  return text.slice(0, at);
};

/**
 * Refuses a password that is too short or likely to be guessed.
 * @param isCommon knows the passwords that leaks hold most often, in lower case.
 * @throws DomainError `validation_error` on `field`, with a sentence that says what to do.
 */
export const requireGoodPassword = (
  password: string,
  owner: Owner,
  isCommon: (text: string) => boolean,
  field = 'body.password',
): void => {
  if (Array.from(password).length < MIN_PASSWORD_LENGTH)
    throw invalid(field, `must have at least ${MIN_PASSWORD_LENGTH} characters`);
  const lower = password.toLowerCase();
  const [local = ''] = owner.email.toLowerCase().split('@');
  const own = [local, owner.username.toLowerCase(), owner.email.toLowerCase()].filter(
    (name) => name.length > 0,
  );
  if (new Set(lower).size < 5 || period(lower).length < 5)
    throw invalid(field, 'repeats itself: choose one with more different characters');
  if ([lower, core(password), period(lower)].some((text) => isCommon(text) || own.includes(text)))
    throw invalid(field, 'is easy to guess: choose one that is not a common password or your name');
};
