import { invalid } from '../errors.ts';

/**
 * A language by its usual tag (BCP 47): `de-at` becomes `de-AT`.
 * @throws DomainError validation when it is no such tag.
 */
export const toLanguage = (given: string): string => {
  try {
    const [language] = Intl.getCanonicalLocales(given);
    if (language) return language;
  } catch {
    // Fall through: not a tag.
  }
  throw invalid('body.language', 'must be the tag of a language, like en or pt-BR');
};

/**
 * A time zone by the name that the tz database gives it: `europe/berlin` becomes `Europe/Berlin`.
 * @throws DomainError validation when nobody knows it.
 */
export const toTimeZone = (given: string): string => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone;
  } catch {
    throw invalid('body.timezone', 'must be the name of a time zone, like UTC or Europe/Berlin');
  }
};
