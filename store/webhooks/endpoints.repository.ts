import { v7 as uuidv7 } from 'uuid';
import { conflict, notFound } from '../../domain/errors.ts';
import type { StartPayload } from '../../domain/outbox.ts';
import { newestPosition } from '../live/events.ts';
import type { Listing, Order } from '../page.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** Of a workspace: each is looked after whenever something happens. */
const MAX_ENDPOINTS = 100;

export type DisabledReason = 'by_hand' | 'gone' | 'failing';

/** Without its secrets. */
export interface EndpointRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly url: string;
  readonly description: string | null;
  readonly events: string[];
  readonly active: boolean;
  readonly generation: number;
  readonly disabled_reason: DisabledReason | null;
  readonly former_until: Date | null;
  readonly cursor_pos: number;
  readonly last_success_at: Date | null;
  readonly last_failure_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const ENDPOINT_COLUMNS = sql`w.id, w.workspace_id, w.url, w.description, w.events, w.active, w.generation, w.disabled_reason,
  w.former_until, w.cursor_pos, w.last_success_at, w.last_failure_at, w.created_at, w.updated_at`;

/** Newest first, by the columns that its table's indexes have. */
export const newestWebhooks = (column: Order['column'], id: Order['column']): Order[] => [
  { column, type: 'timestamptz', descending: true },
  { column: id, type: 'uuid', descending: true },
];

export const endpointListing = (): Listing => ({
  columns: ENDPOINT_COLUMNS,
  from: sql`webhook_endpoints w`,
  where: [],
  order: newestWebhooks(sql`w.created_at`, sql`w.id`),
});

/** @throws DomainError not_found. */
export const requireEndpoint = async (db: Reader, id: string): Promise<EndpointRow> => {
  const row = await db.maybe<EndpointRow>(
    sql`select ${ENDPOINT_COLUMNS} from webhook_endpoints w where w.id = ${id}`,
  );
  if (!row) throw notFound('webhook', id);
  return row;
};

/** Under its lock, which covers its messages and their deliveries; `undefined` when it is gone. */
export const lockEndpoint = (tx: Writer, id: string): Promise<EndpointRow | undefined> =>
  tx.maybe<EndpointRow>(
    sql`select ${ENDPOINT_COLUMNS} from webhook_endpoints w where w.id = ${id} for update`,
  );

/** @throws DomainError not_found. */
const requireLock = async (tx: Writer, id: string): Promise<EndpointRow> => {
  const row = await lockEndpoint(tx, id);
  if (!row) throw notFound('webhook', id);
  return row;
};

/** Carries one endpoint's messages for as long as it is active; it is no run, so nothing but its own rows knows it. */
export const deliveriesWorkflow = ({ id, generation }: Pick<EndpointRow, 'id' | 'generation'>): string =>
  `webhook/${id}/${generation}`;

/** The event stream of an endpoint, and of a token. */
export const webhookStream = (id: string): string => `webhook:${id}`;

/** Asks for the workflow of an active endpoint; it is one, however often it is asked for. */
const startDeliveries = (tx: Writer, row: Pick<EndpointRow, 'id' | 'generation' | 'workspace_id'>): void => {
  const { id, generation, workspace_id } = row;
  const payload: StartPayload = {
    workflow: 'deliverWebhooks',
    queue: 'control',
    input: { endpoint_id: id, workspace_id, generation },
    summary: 'Deliveries of a webhook',
    kind: 'webhook',
    entity_id: id,
    workspace_id,
  };
  tx.enqueue({ workflowId: deliveriesWorkflow(row), kind: 'start', payload });
};

/** Tells its workflow that its rows have changed. */
export const pokeDeliveries = (tx: Writer, row: Pick<EndpointRow, 'id' | 'generation'>): void =>
  tx.enqueue({ workflowId: deliveriesWorkflow(row), kind: 'signal', payload: { signal: 'poke' } });

/** Has another workflow carry an active endpoint whose own is gone. */
export const restartDeliveries = async (tx: Writer, row: EndpointRow): Promise<void> => {
  const { generation } = await tx.one<{ generation: number }>(
    sql`update webhook_endpoints set generation = generation + 1 where id = ${row.id} returning generation`,
  );
  startDeliveries(tx, { ...row, generation });
};

export interface NewEndpoint {
  readonly url: string;
  readonly description: string | null;
  readonly events: readonly string[];
  readonly active: boolean;
}

/**
 * Makes an endpoint that is told of what happens from now on. @param sealed makes the secret, for the id of the endpoint.
 * @throws DomainError conflict `too_many_webhooks`.
 */
export const createEndpoint = async (
  tx: Writer,
  input: NewEndpoint,
  sealed: (id: string) => string,
): Promise<EndpointRow> => {
  const { n } = await tx.one<{ n: number }>(sql`select count(*) as n from webhook_endpoints`);
  if (n >= MAX_ENDPOINTS)
    throw conflict(
      'too_many_webhooks',
      `A workspace has ${MAX_ENDPOINTS} webhooks at most: remove one that is no longer needed.`,
    );
  const id = uuidv7();
  const { workspaceId, userId } = tx.principal;
  const row = await tx.one<EndpointRow>(
    sql`insert into webhook_endpoints as w (id, workspace_id, url, description, events, active, disabled_reason, secret, cursor_pos, created_by)
        values (${id}, ${workspaceId}, ${input.url}, ${input.description}, ${input.events}, ${input.active},
                ${input.active ? null : 'by_hand'}, ${sealed(id)}, ${await newestPosition(tx)}, ${userId})
        returning ${ENDPOINT_COLUMNS}`,
  );
  tx.audit('webhook.create', 'webhook', id, {
    host: new URL(row.url).host,
    events: row.events,
    active: row.active,
  });
  if (row.active) startDeliveries(tx, row);
  return row;
};

/**
 * One that becomes active again is told of what happens from now on, and tries once more, from the beginning, what had not
 * come to its end.
 */
const activate = async (tx: Writer, row: EndpointRow): Promise<void> => {
  const position = await newestPosition(tx);
  const { generation } = await tx.one<{ generation: number }>(
    sql`update webhook_endpoints set active = true, disabled_reason = null, generation = generation + 1, cursor_pos = ${position}
         where id = ${row.id} returning generation`,
  );
  tx.send(
    sql`update webhook_messages set failures = 0, first_at = null, next_at = now() where endpoint_id = ${row.id} and state = 'pending'`,
  );
  startDeliveries(tx, { ...row, generation });
};

/** Ends what carries it; what is on its way arrives. */
export const deactivate = (tx: Writer, row: EndpointRow, reason: DisabledReason): void => {
  tx.send(
    sql`update webhook_endpoints set active = false, disabled_reason = ${reason}, updated_at = now() where id = ${row.id}`,
  );
  pokeDeliveries(tx, row);
};

/** @throws DomainError not_found. */
export const updateEndpoint = async (
  tx: Writer,
  id: string,
  change: Partial<NewEndpoint>,
): Promise<EndpointRow> => {
  const before = await requireLock(tx, id);
  tx.send(
    sql`update webhook_endpoints set url = coalesce(${change.url ?? null}, url), events = coalesce(${change.events ?? null}, events),
               description = case when ${change.description !== undefined} then ${change.description ?? null} else description end,
               updated_at = now()
         where id = ${id}`,
  );
  if (change.active === true && !before.active) await activate(tx, before);
  if (change.active === false && before.active) deactivate(tx, before, 'by_hand');
  const after = await requireEndpoint(tx, id);
  tx.audit('webhook.update', 'webhook', id, {
    from: { host: new URL(before.url).host, events: before.events, active: before.active },
    to: { host: new URL(after.url).host, events: after.events, active: after.active },
  });
  return after;
};

/** Removes an endpoint with its messages and its log. @throws DomainError not_found. */
export const deleteEndpoint = async (tx: Writer, id: string): Promise<void> => {
  const row = await requireLock(tx, id);
  tx.send(sql`delete from webhook_endpoints where id = ${id}`);
  tx.audit('webhook.delete', 'webhook', id, { host: new URL(row.url).host, events: row.events });
  if (row.active) pokeDeliveries(tx, row);
};

/** Takes a new secret; the former one signs too for some hours, and the one before that no more. @throws DomainError not_found. */
export const rotateSecret = async (
  tx: Writer,
  id: string,
  sealed: string,
  overlapHours: number,
): Promise<EndpointRow> => {
  await requireLock(tx, id);
  tx.send(
    sql`update webhook_endpoints set former_secret = secret, former_until = now() + make_interval(hours => ${overlapHours}),
               secret = ${sealed}, updated_at = now()
         where id = ${id}`,
  );
  tx.audit('webhook.rotate_secret', 'webhook', id, { overlap_hours: overlapHours });
  return requireEndpoint(tx, id);
};
