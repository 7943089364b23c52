/** What somebody may try to guess. `credential` is a bearer token or an API key: it names no account. */
export const GUESS_KINDS = ['sign-in', 'reset', 'captcha', 'totp', 'credential'] as const;
export type GuessKind = (typeof GUESS_KINDS)[number];

/** A guess, before anybody looks whether it is right. */
export interface Guess {
  readonly kind: GuessKind;
  /** Whose secret is guessed at: an email address, an id. `null` where nothing says. */
  readonly subject: string | null;
  /** The client's address. */
  readonly address: string;
}

/** When failures begin to cost time, and when they are forgotten. */
export interface GuessRule {
  /** Failures for one account that cost nothing; each further one doubles the wait before the next guess. */
  readonly freeOfAccount: number;
  readonly freeOfAddress: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** Failures are forgotten so long after the last wait. */
  readonly forgetMs: number;
  /** An address that was right about an account is counted for itself so long. */
  readonly knownMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const PEOPLE: GuessRule = {
  freeOfAccount: 5,
  freeOfAddress: 20,
  firstWaitMs: SECOND,
  longestWaitMs: 15 * MINUTE,
  forgetMs: 15 * MINUTE,
  knownMs: 90 * 24 * 60 * MINUTE,
};

export type GuessRules = Readonly<Record<GuessKind, GuessRule>>;

export const GUESS_RULES: GuessRules = {
  'sign-in': PEOPLE,
  reset: PEOPLE,
  captcha: PEOPLE,
  totp: PEOPLE,
  // Machines go on for a while with a token that has expired, and many of them may share an address.
  credential: { ...PEOPLE, freeOfAddress: 100 },
};
