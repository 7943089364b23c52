import { GENESIS } from '../../domain/audit/entry.ts';
import type { Log } from '../../platform/logger.ts';
import { Wakeable } from '../../platform/wakeable.ts';
import { sql, type Sql } from '../sql.ts';
import type { SystemStore } from '../system.ts';

const SEALER_LOCK = 7_205_114_004;
/** Entries of one seal at most. */
const BATCH = 1_000;
const EVERY_MS = 1_000;

/** The statements of one seal, for one transaction. Both take effect, or neither. */
export const sealStatements = (): Sql[] => [
  sql`select pg_advisory_xact_lock(${SEALER_LOCK})`,
  sql`with fresh as materialized (
        select id, content_hash, row_number() over (order by id) as place
          from (select id, content_hash from audit where seal is null order by id limit ${BATCH}) as unsealed),
      batch as (
        select array_agg(id order by place) as entries, string_agg(id::text, ',' order by place) as ids,
               string_agg(content_hash, ',' order by place) as hashes
          from fresh having count(*) > 0),
      last as (select number, hash from audit_seals order by number desc limit 1),
      link as (
        select coalesce((select number from last), 0) + 1 as number, coalesce((select hash from last), ${GENESIS}) as previous, batch.*
          from batch),
      sealed as (
        insert into audit_seals (number, previous_hash, entries, hash, sealed_at)
        select number, previous, entries,
               audit_sha256(json_build_array(number::text, previous, audit_time(now()), ids, hashes)), now()
          from link
        returning number)
      update audit a set seal = sealed.number, place = fresh.place from fresh, sealed where a.id = fresh.id`,
];

/**
 * Chains the entries that became visible since the last time, in the order of their ids. One that commits late is still
 * unsealed and gets into a later seal; the advisory lock, held for the transaction, lets one sealer work at a time.
 * @returns the number of entries sealed.
 */
export const sealEntries = async (system: SystemStore): Promise<number> =>
  (await system.batch(sealStatements()))[1] ?? 0;

/** Seals what was written every second. Every worker runs one; writers never wait for it. */
export class Sealer extends Wakeable {
  constructor(system: SystemStore, log: Log) {
    let failing = false;
    super(async () => {
      try {
        const sealed = await sealEntries(system);
        failing = false;
        return sealed === BATCH;
      } catch (error) {
        if (!failing)
          log.warn({ err: error }, 'the audit log was not sealed; it is tried again every second');
        failing = true;
        return false;
      }
    }, EVERY_MS);
  }
}
