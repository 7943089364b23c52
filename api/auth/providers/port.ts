import { DomainError } from '../../../domain/errors.ts';

/** What one sign-in elsewhere is protected with; kept here until somebody comes back from it. */
export interface FlowSecrets {
  /** Ties the answer to the question (RFC 6749, 10.12). */
  readonly state: string;
  /** Ties an ID token to it. */
  readonly nonce: string;
  /** Ties the code to it (RFC 7636, S256). */
  readonly verifier: string;
}

/** Somebody as the provider describes them. */
export interface ProviderPerson {
  /** Who says so: a subject is one person only there. */
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly avatarUrl: string | null;
}

/** One that signs people in for us. */
export interface Provider {
  /** For people. */
  readonly label: string;
  /** @returns the address to send somebody to. @throws DomainError `provider_unavailable`. */
  begin(secrets: FlowSecrets): Promise<string>;
  /**
   * Exchanges what somebody came back with.
   * @param answer the parameters of the callback.
   * @param secrets `null` for a code without a flow that was begun here, where a provider allows it.
   * @throws DomainError `sign_in_refused`, `provider_unavailable`, `provider_misconfigured`.
   */
  finish(answer: URLSearchParams, secrets: FlowSecrets | null): Promise<ProviderPerson>;
}

/** Limit of one request to a provider. */
export const TIMEOUT_MS = 5_000;

// None of these carries its cause: it may hold a code, a token or a secret, and errors are logged.
export const providerUnavailable = (label: string): DomainError =>
  new DomainError(
    'unavailable',
    'provider_unavailable',
    `${label} does not answer as it should right now. Try again in a moment.`,
  );

export const providerMisconfigured = (label: string, settings: string): DomainError =>
  new DomainError(
    'unavailable',
    'provider_misconfigured',
    `${label} does not know this server: the operator should check ${settings} and the callback address that is registered there.`,
  );

export const signInRefused = (label: string): DomainError =>
  new DomainError(
    'unauthenticated',
    'sign_in_refused',
    `${label} did not confirm this sign-in: begin again.`,
  );
