import { DomainError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';

export interface EventRow {
  readonly stream: string;
  readonly seq: number;
  readonly pos: number | null;
  readonly type: string;
  readonly payload: JsonObject;
  readonly at: Date;
}

const gone = (): DomainError =>
  new DomainError(
    'gone',
    'cursor_expired',
    'The events after this position are no longer kept: read the present state and start from there.',
  );

/** Events of one stream beyond `after`, oldest first. @throws DomainError gone when some of them have expired. */
export const readStream = async (
  db: Reader,
  stream: string,
  after: number,
  limit: number,
): Promise<EventRow[]> => {
  const rows = await db.many<EventRow>(
    sql`select stream, seq, pos, type, payload, at from events where stream = ${stream} and seq > ${after} order by seq limit ${limit}`,
  );
  const first = rows[0]?.seq;
  if (first !== undefined) {
    if (first > after + 1) throw gone();
    return rows;
  }
  const last = await db.maybe<{ last_seq: number }>(
    sql`select last_seq from streams where stream = ${stream}`,
  );
  if (last && last.last_seq > after) {
    // Either they expired, or they were committed between the two statements: the second look tells.
    const again = await db.maybe(sql`select 1 from events where stream = ${stream} and seq = ${after + 1}`);
    if (!again) throw gone();
  }
  return rows;
};

/** Events of the workspace beyond position `after`, oldest first. @throws DomainError gone when some may have expired. */
export const readFeed = async (
  db: Reader,
  after: number,
  limit: number,
  type?: string,
): Promise<EventRow[]> => {
  const [log, rows] = await Promise.all([
    db.one<{ horizon_pos: number }>(sql`select horizon_pos from event_log`),
    db.many<EventRow>(
      type === undefined
        ? sql`select stream, seq, pos, type, payload, at from events where pos > ${after} order by pos limit ${limit}`
        : sql`select stream, seq, pos, type, payload, at from events
               where pos > ${after} and (type = ${type} or (${type.endsWith('.*')} and starts_with(type, ${type.replace(/\*$/, '')})))
               order by pos limit ${limit}`,
    ),
  ]);
  if (after < log.horizon_pos) throw gone();
  return rows;
};

/** The newest position: where a client starts that wants only what comes. */
export const newestPosition = async (db: Reader): Promise<number> =>
  (await db.one<{ last_pos: number }>(sql`select last_pos from event_log`)).last_pos;

export interface DeltaRow {
  readonly id: number;
  readonly step: string;
  readonly attempt: number;
  readonly part: number;
  readonly text: string;
}

/**
 * Pieces of texts that are being written in a run, beyond the last one seen. Steps that write side by side may commit in
 * another order than that of their ids; those of one step never do.
 * @param step reads those of this step alone.
 */
export const readDeltas = (
  db: Reader,
  runId: string,
  afterId: number,
  limit: number,
  step?: string,
): Promise<DeltaRow[]> =>
  db.many<DeltaRow>(
    sql`select id, step, attempt, part, text from deltas
         where run_id = ${runId} and id > ${afterId} and (${step ?? null}::text is null or step = ${step ?? null})
         order by id limit ${limit}`,
  );

/** Whether the workspace has this stream. */
export const streamExists = async (db: Reader, stream: string): Promise<boolean> =>
  (await db.maybe(sql`select 1 from streams where stream = ${stream}`)) !== undefined;
