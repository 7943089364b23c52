import { GENESIS, REDACTION } from '../../domain/audit/entry.ts';
import { sql, type Sql } from '../sql.ts';
import type { SystemStore } from '../system.ts';
import { checkEntry, checkSeal, type Finding, type StoredEntry, type StoredSeal } from './findings.ts';

/** Entries held in memory at a time, about. */
const CHUNK = 2_000;
const SEALS_AT_ONCE = 200;
/** Findings that are told one by one; the rest is counted. */
const TOLD = 20;

type Db = Pick<SystemStore, 'many' | 'run'>;

export interface AuditReport {
  readonly entries: number;
  readonly sealed: number;
  readonly unsealed: number;
  /** How long the oldest unsealed entry has waited, in seconds; null when there is none. */
  readonly unsealedSeconds: number | null;
  readonly redacted: number;
  readonly seals: number;
  /** The last seal: who keeps its hash elsewhere can tell later that the chain was not cut. */
  readonly head: { readonly number: number; readonly hash: string } | null;
  /** The first ones. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
}

export interface VerifyOptions {
  /** The hash of a seal that must be there. */
  readonly head?: string | undefined;
  readonly onProgress?: (checked: number, all: number) => void;
}

const ENTRY = sql`a.id::text as id, a.workspace_id::text as workspace_id, a.actor_kind, a.actor_id::text as actor_id, a.action, a.result,
  a.request_id, audit_time(a.at) as at, a.salt::text as salt, a.target_type, a.target_id, a.detail::text as detail, a.client_address,
  a.user_agent, a.content_hash, a.seal, a.place, case when a.redacted_at is not null then coalesce(a.readable_hash, '') end as readable_hash`;

interface Totals {
  readonly entries: number;
  readonly sealed: number;
  readonly redacted: number;
  readonly oldest: number | null;
}

const TOTALS = sql`select count(*) as entries, count(*) filter (where seal is not null) as sealed, count(redacted_at) as redacted,
  extract(epoch from now() - min(at) filter (where seal is null))::float8 as oldest from audit`;

const nextSeals = (db: Db, after: number): Promise<StoredSeal[]> =>
  db.many<StoredSeal>(
    sql`select number, previous_hash, hash, audit_time(sealed_at) as sealed_at, entries::text[] as entries
          from audit_seals where number > ${after} order by number limit ${SEALS_AT_ONCE}`,
  );

/** Runs of seals whose entries fit into memory together. */
const windows = (seals: readonly StoredSeal[]): StoredSeal[][] => {
  const found: StoredSeal[][] = [];
  let size = Infinity;
  for (const seal of seals) {
    if (size + seal.entries.length > CHUNK) {
      found.push([]);
      size = 0;
    }
    found.at(-1)?.push(seal);
    size += seal.entries.length;
  }
  return found;
};

/** Walks the chain of seals, and the unsealed entries after it, and keeps the first things that are wrong. */
class Verifier {
  readonly findings: Finding[] = [];
  count = 0;
  head: AuditReport['head'] = null;
  #checked = 0;
  #seals = 0;
  #hasHead = false;
  readonly #db: Db;
  readonly #options: VerifyOptions;
  readonly #all: number;

  constructor(db: Db, options: VerifyOptions, all: number) {
    this.#db = db;
    this.#options = options;
    this.#all = all;
  }

  get seals(): number {
    return this.#seals;
  }

  add(findings: readonly Finding[]): void {
    this.count += findings.length;
    this.findings.push(...findings.slice(0, TOLD - this.findings.length));
  }

  async chain(): Promise<void> {
    for (let seals = await nextSeals(this.#db, 0); seals.length > 0;) {
      for (const window of windows(seals)) await this.#window(window);
      seals = await nextSeals(this.#db, seals.at(-1)?.number ?? 0);
    }
    if (this.#options.head !== undefined && !this.#hasHead)
      this.add([
        { kind: 'missing seal', where: 'the head', detail: `no seal has the hash ${this.#options.head}` },
      ]);
  }

  async #window(seals: readonly StoredSeal[]): Promise<void> {
    const [first, last] = [seals[0]?.number ?? 0, seals.at(-1)?.number ?? 0];
    const rows = await this.#db.many<StoredEntry>(
      sql`select ${ENTRY} from audit a where a.seal between ${first} and ${last} order by a.seal, a.place, a.id`,
    );
    const members = Map.groupBy(rows, ({ seal }) => seal);
    const named = new Set(rows.map(({ id }) => id));
    const lost = seals.flatMap(({ entries }) => entries.filter((id) => !named.has(id)));
    const moved = await this.#elsewhere(lost);
    for (const seal of seals) {
      const own = members.get(seal.number) ?? [];
      // One that another seal of this window holds has moved as well.
      const strangers = seal.entries.filter((id) => named.has(id));
      this.#seal(seal, own, new Set([...moved, ...strangers]));
    }
    this.#progress(rows.length);
  }

  async #elsewhere(ids: readonly string[]): Promise<readonly string[]> {
    if (ids.length === 0) return [];
    const rows = await this.#db.many<{ id: string }>(
      sql`select id::text as id from audit where id = any(${ids}::bigint[])`,
    );
    return rows.map(({ id }) => id);
  }

  #seal(seal: StoredSeal, members: readonly StoredEntry[], moved: ReadonlySet<string>): void {
    const before = this.head ?? { number: 0, hash: GENESIS };
    const follows = seal.number === before.number + 1;
    if (!follows) {
      const missing = seal.number - before.number - 1;
      const where =
        missing === 1 ? `seal ${seal.number - 1}` : `seals ${before.number + 1} to ${seal.number - 1}`;
      this.add([{ kind: 'missing seal', where, detail: `before seal ${seal.number}` }]);
    }
    this.add(checkSeal(seal, follows ? before.hash : undefined, members, moved));
    this.head = { number: seal.number, hash: seal.hash };
    this.#seals++;
    this.#hasHead ||= seal.hash === this.#options.head;
  }

  /** Entries that call themselves sealed by a seal beyond the last one. */
  async orphans(): Promise<void> {
    const rows = await this.#db.many<{ seal: number; n: number }>(
      sql`select a.seal, count(*) as n from audit a
           where a.seal > ${this.head?.number ?? 0} group by a.seal order by a.seal limit ${TOLD}`,
    );
    this.add(
      rows.map(({ seal, n }) => ({
        kind: 'missing seal',
        where: `seal ${seal}`,
        detail: `${n} ${n === 1 ? 'entry says' : 'entries say'} that it is covered by it`,
      })),
    );
  }

  /** What is written and not sealed yet can be held against its own hashes alone. */
  async tail(): Promise<void> {
    let after = '0';
    for (;;) {
      const rows = await this.#db.many<StoredEntry>(
        sql`select ${ENTRY} from audit a where a.seal is null and a.id > ${after} order by a.id limit ${CHUNK}`,
      );
      this.add(rows.flatMap(checkEntry));
      this.#progress(rows.length);
      if (rows.length < CHUNK) return;
      after = rows.at(-1)?.id ?? after;
    }
  }

  async redactions(): Promise<void> {
    const unexplained = (columns: Sql): Sql =>
      sql`select ${columns} from audit a where a.redacted_at is not null and not exists (
            select 1 from audit e where e.action = ${REDACTION} and e.target_type = 'audit' and e.target_id = a.id::text
                                    and e.workspace_id = a.workspace_id)`;
    const rows = await this.#db.many<{ id: string }>(
      sql`${unexplained(sql`a.id::text as id`)} order by a.id limit ${TOLD}`,
    );
    if (rows.length === 0) return;
    const [all] = await this.#db.many<{ n: number }>(unexplained(sql`count(*) as n`));
    this.add(
      rows.map(({ id }) => ({
        kind: 'unexplained redaction',
        where: `entry ${id}`,
        detail: 'no entry says who redacted it',
      })),
    );
    this.count += (all?.n ?? rows.length) - rows.length;
  }

  #progress(more: number): void {
    this.#checked += more;
    this.#options.onProgress?.(this.#checked, this.#all);
  }
}

/**
 * Computes every hash of the audit log again: that of each entry, of each seal, and the chain of seals. It sees one moment
 * of the log while others go on writing, and holds a few thousand entries at a time.
 */
export const verifyAudit = (system: SystemStore, options: VerifyOptions = {}): Promise<AuditReport> =>
  system.transaction(async (db) => {
    await db.run(sql`set transaction isolation level repeatable read, read only`);
    const [totals] = await db.many<Totals>(TOTALS);
    const { entries = 0, sealed = 0, redacted = 0, oldest = null } = totals ?? {};
    const verifier = new Verifier(db, options, entries);
    await verifier.chain();
    await verifier.orphans();
    await verifier.tail();
    await verifier.redactions();
    return {
      entries,
      sealed,
      unsealed: entries - sealed,
      unsealedSeconds: oldest,
      redacted,
      seals: verifier.seals,
      head: verifier.head,
      findings: verifier.findings,
      findingCount: verifier.count,
    };
  });
