import { createHash } from 'node:crypto';
import { contentForm, readableForm, sealForm, type EntryTexts } from '../../domain/audit/entry.ts';

export type FindingKind =
  | 'changed entry'
  | 'removed entry'
  | 'inserted entry'
  | 'reordered entry'
  | 'unexplained redaction'
  | 'broken seal'
  | 'missing seal';

/** One place where the log is not what was written. */
export interface Finding {
  readonly kind: FindingKind;
  /** `entry 12`, `seal 3`. */
  readonly where: string;
  readonly detail: string;
}

export interface StoredEntry extends EntryTexts {
  readonly content_hash: string;
  readonly seal: number | null;
  readonly place: number | null;
  /** Set on a redacted entry alone. */
  readonly readable_hash: string | null;
}

export interface StoredSeal {
  readonly number: number;
  readonly previous_hash: string;
  readonly hash: string;
  readonly sealed_at: string;
  readonly entries: readonly string[];
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const NOTHING_READABLE = readableForm({
  salt: null,
  target_type: null,
  target_id: null,
  detail: null,
  client_address: null,
  user_agent: null,
});

/** Whether an entry is what its hash says; of a redacted one, what is left of it. */
export const checkEntry = (entry: StoredEntry): Finding[] => {
  const form = readableForm(entry);
  const readable = entry.readable_hash ?? sha256(form);
  const isEmpty = entry.readable_hash === null || form === NOTHING_READABLE;
  if (isEmpty && sha256(contentForm(entry, readable)) === entry.content_hash) return [];
  return [{ kind: 'changed entry', where: `entry ${entry.id}`, detail: `${entry.action} of ${entry.at}` }];
};

/** Whether the entries that call themselves part of a seal are those that it names, in their order. */
const checkMembers = (seal: StoredSeal, members: readonly StoredEntry[]): Finding[] => {
  const places = new Map(seal.entries.map((id, i) => [id, i + 1]));
  return members.flatMap((entry): Finding[] => {
    const place = places.get(entry.id);
    const where = `entry ${entry.id}`;
    if (place === undefined)
      return [{ kind: 'inserted entry', where, detail: `seal ${seal.number} does not name it` }];
    if (place === entry.place) return [];
    return [
      {
        kind: 'reordered entry',
        where,
        detail: `stands at ${entry.place} in seal ${seal.number}, which names it at ${place}`,
      },
    ];
  });
};

/**
 * Whether a seal holds.
 * @param previousHash that of the seal before it; `undefined` where that one is missing.
 * @param members the entries that say that they are in it.
 * @param moved those that it names and that say otherwise.
 */
export const checkSeal = (
  seal: StoredSeal,
  previousHash: string | undefined,
  members: readonly StoredEntry[],
  moved: ReadonlySet<string>,
): Finding[] => {
  const hashes = new Map(members.map((entry) => [entry.id, entry.content_hash]));
  const lost = seal.entries
    .filter((id) => !hashes.has(id))
    .map((id): Finding => {
      const detail = `seal ${seal.number} names it`;
      return { kind: moved.has(id) ? 'reordered entry' : 'removed entry', where: `entry ${id}`, detail };
    });
  const found = [...lost, ...checkMembers(seal, members), ...members.flatMap(checkEntry)];
  const where = `seal ${seal.number}`;
  if (previousHash !== undefined && seal.previous_hash !== previousHash)
    found.push({ kind: 'broken seal', where, detail: 'it does not follow the seal before it' });
  // Without all of its entries it can't be computed, and they have been named.
  if (lost.length > 0) return found;
  const form = sealForm({
    number: String(seal.number),
    previousHash: seal.previous_hash,
    sealedAt: seal.sealed_at,
    entries: seal.entries,
    hashes: seal.entries.map((id) => hashes.get(id) ?? ''),
  });
  if (sha256(form) !== seal.hash) {
    const [first, last] = [seal.entries[0], seal.entries.at(-1)];
    const detail = `it, or the hash of one of its entries ${first} to ${last}, was changed`;
    found.push({ kind: 'broken seal', where, detail });
  }
  return found;
};
