import { nameFor } from '../../domain/webhooks/events.ts';
import { isTaskEvent, thinPayload, type LoggedEvent } from '../../domain/webhooks/payload.ts';
import { newestPosition } from '../live/events.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import { lockEndpoint, type EndpointRow } from './endpoints.repository.ts';

/** Events that are looked at in one transaction. */
const BATCH = 500;

/** The events of the workspace beyond the endpoint's cursor and up to `newest`, with the runs that they belong to. */
const readBeyond = (tx: Writer, after: number, newest: number): Promise<LoggedEvent[]> =>
  tx.many<LoggedEvent>(
    sql`select v.stream, v.seq, v.pos, v.type, v.payload, v.at,
               case when r.id is not null then jsonb_build_object('id', r.id, 'subject_type', r.subject_type, 'subject_id', r.subject_id) end as run
          from events v left join runs r on r.id = case when v.stream like 'run:%' then substr(v.stream, 5)::uuid end
         where v.pos > ${after} and v.pos <= ${newest} order by v.pos limit ${BATCH}`,
  );

/**
 * Makes messages of the events beyond an endpoint's cursor that it asked for, and moves the cursor. The endpoint's lock is
 * held, so each event becomes a message once, whoever looks.
 * @returns how many there are, and whether there may be more events.
 */
export const collectMessages = async (
  tx: Writer,
  endpoint: EndpointRow,
  publicUrl: string,
): Promise<{ collected: number; more: boolean }> => {
  // Read first: what has a position up to this one is visible to the next statement.
  const newest = await newestPosition(tx);
  if (newest <= endpoint.cursor_pos) return { collected: 0, more: false };
  const events = await readBeyond(tx, endpoint.cursor_pos, newest);
  const messages = events.flatMap((event) => {
    const name = nameFor(endpoint.events, { type: event.type, isTask: isTaskEvent(event) });
    if (name === undefined) return [];
    const { stream, pos } = event;
    return [{ stream, pos, type: name, body: JSON.stringify(thinPayload(event, name, publicUrl)) }];
  });
  if (messages.length > 0)
    tx.send(
      sql`insert into webhook_messages (workspace_id, endpoint_id, stream, pos, type, body)
          select ${endpoint.workspace_id}, ${endpoint.id}, m.stream, m.pos, m.type, m.body
            from jsonb_to_recordset(${JSON.stringify(messages)}::jsonb) as m(stream text, pos bigint, type text, body text)
          on conflict do nothing`,
    );
  const more = events.length === BATCH;
  const position = more ? (events.at(-1)?.pos ?? newest) : newest;
  tx.send(sql`update webhook_endpoints set cursor_pos = ${position} where id = ${endpoint.id}`);
  return { collected: messages.length, more };
};

/** What an endpoint's workflow does next. */
export type DeliveryPlan =
  | { readonly state: 'over' }
  | {
      readonly state: 'on';
      /** Messages to send now, the longest due first. */
      readonly due: readonly string[];
      /** Milliseconds until the next one is due; null when nothing waits. */
      readonly wait_ms: number | null;
    };

interface WaitingRow {
  readonly id: string;
  readonly wait_ms: number;
}

/** The oldest message of each stream that has not come to its end: those behind it wait for it. */
const readHeads = (tx: Writer, endpointId: string, limit: number): Promise<WaitingRow[]> =>
  tx.many<WaitingRow>(
    sql`select h.id, ceil(extract(epoch from greatest(h.next_at - now(), interval '0')) * 1000)::bigint as wait_ms
          from (select distinct on (stream) id, pos, next_at from webhook_messages
                 where endpoint_id = ${endpointId} and state = 'pending' order by stream, pos) as h
         order by h.next_at, h.pos limit ${limit}`,
  );

const readAsked = (tx: Writer, endpointId: string, limit: number): Promise<WaitingRow[]> =>
  tx.many<WaitingRow>(
    sql`select id, 0 as wait_ms from webhook_messages where endpoint_id = ${endpointId} and asked_at is not null
         order by asked_at limit ${limit}`,
  );

/**
 * Looks what an endpoint's workflow may do: collects what has happened, and picks what is due.
 * @param busy messages that are on their way already. @param atOnce how many may be.
 */
export const planDeliveries = async (
  tx: Writer,
  at: { readonly endpointId: string; readonly generation: number },
  options: { readonly busy: readonly string[]; readonly atOnce: number; readonly publicUrl: string },
): Promise<DeliveryPlan> => {
  const endpoint = await lockEndpoint(tx, at.endpointId);
  if (!endpoint?.active || endpoint.generation !== at.generation) return { state: 'over' };
  const { more } = await collectMessages(tx, endpoint, options.publicUrl);
  const limit = options.busy.length + options.atOnce + 1;
  const asked = await readAsked(tx, endpoint.id, limit);
  const heads = await readHeads(tx, endpoint.id, limit);
  const free = [...asked, ...heads.filter(({ id }) => !asked.some((other) => other.id === id))].filter(
    ({ id }) => !options.busy.includes(id),
  );
  const room = Math.max(options.atOnce - options.busy.length, 0);
  const due = free.filter(({ wait_ms }) => wait_ms === 0).slice(0, room);
  const next = free.find(({ wait_ms }) => wait_ms > 0)?.wait_ms ?? null;
  return { state: 'on', due: due.map(({ id }) => id), wait_ms: more ? 0 : next };
};
