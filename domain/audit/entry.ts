export type AuditResult = 'success' | 'failure';

/** Where a request came from, as far as its connection and its headers say. */
export interface ClientInfo {
  readonly address: string | null;
  readonly userAgent: string | null;
}

/** The action of a redaction. Without an entry about it, an entry has lost what it said behind everybody's back. */
export const REDACTION = 'audit.redact';

type Text = string | null;

/** What of an entry people may read, and a redaction removes. */
export interface ReadableTexts {
  readonly salt: Text;
  readonly target_type: Text;
  readonly target_id: Text;
  readonly detail: Text;
  readonly client_address: Text;
  readonly user_agent: Text;
}

/** One entry as the database tells it, all values as texts. */
export interface EntryTexts extends ReadableTexts {
  readonly id: string;
  readonly workspace_id: string;
  readonly actor_kind: string;
  readonly actor_id: Text;
  readonly action: string;
  readonly result: string;
  readonly request_id: Text;
  readonly at: string;
}

/** JSON as PostgreSQL writes an array of texts: the hashes are made there, and computed again here. */
const canonical = (texts: readonly Text[]): string =>
  `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;

/** What a redaction removes, in the form that is hashed. */
export const readableForm = (entry: ReadableTexts): string =>
  canonical([
    entry.salt,
    entry.target_type,
    entry.target_id,
    entry.detail,
    entry.client_address,
    entry.user_agent,
  ]);

/** An entry in the form that is hashed: what stays for ever, and the hash of what may be removed. */
export const contentForm = (entry: EntryTexts, readableHash: string): string =>
  canonical([
    entry.id,
    entry.workspace_id,
    entry.actor_kind,
    entry.actor_id,
    entry.action,
    entry.result,
    entry.request_id,
    entry.at,
    readableHash,
  ]);

export interface SealTexts {
  readonly number: string;
  readonly previousHash: string;
  readonly sealedAt: string;
  /** Ids of the entries, in their order. */
  readonly entries: readonly string[];
  /** Content hashes in the same order. */
  readonly hashes: readonly string[];
}

/** A seal in the form that is hashed: its place in the chain, and every entry of its batch with its own hash. */
export const sealForm = (seal: SealTexts): string =>
  canonical([seal.number, seal.previousHash, seal.sealedAt, seal.entries.join(','), seal.hashes.join(',')]);

/** What the first seal follows. */
export const GENESIS = '0'.repeat(64);
