/** Those that may sign people in for this server. */
export type ProviderName = 'github' | 'google' | 'oidc';
