import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import type { SignalPayload, StartPayload } from '../../domain/outbox.ts';
import type { ReachCrashPoint } from '../crash-points.ts';
import type { Log } from '../logger.ts';
import { Wakeable } from '../wakeable.ts';

const BATCH = 32;
const MAX_RETRY_MS = 10_000;
const SAFETY_POLL_MS = 1_000;

const attribute = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const TENANT = attribute('TenantId');
const KIND = attribute('Kind');
const ENTITY = attribute('EntityId');

/** What the dispatcher needs of the outbox's table. */
export interface OutboxSource {
  claim(limit: number): Promise<
    readonly {
      id: number;
      workflow_id: string;
      kind: 'start' | 'signal' | 'cancel';
      payload: object;
      tries: number;
    }[]
  >;
  delivered(ids: readonly number[]): Promise<unknown>;
  postpone(id: number, delayMs: number, error: string): Promise<unknown>;
}

type Row = Awaited<ReturnType<OutboxSource['claim']>>[number];

const start = async (client: Client, queuePrefix: string, row: Row): Promise<void> => {
  const payload = row.payload as StartPayload;
  await client.workflow
    .start(payload.workflow, {
      workflowId: row.workflow_id,
      taskQueue: queuePrefix + payload.queue,
      args: [payload.input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: payload.summary,
      priority: { fairnessKey: payload.workspace_id },
      typedSearchAttributes: new TypedSearchAttributes([
        { key: TENANT, value: payload.workspace_id },
        { key: KIND, value: payload.kind },
        { key: ENTITY, value: payload.entity_id },
      ]),
    })
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    });
};

/** A workflow that has ended, or that the server no longer knows, has nothing left to be told. */
const ignoreEnded = (error: unknown): void => {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
};

const deliver = async (client: Client, queuePrefix: string, row: Row): Promise<void> => {
  if (row.kind === 'start') return start(client, queuePrefix, row);
  const handle = client.workflow.getHandle(row.workflow_id);
  if (row.kind === 'cancel') await handle.cancel().catch(ignoreEnded);
  else await handle.signal((row.payload as SignalPayload).signal).catch(ignoreEnded);
};

/**
 * Carries outbox rows to Temporal: woken at once by this process's commits, and by a slow poll for what other processes
 * left behind. Rows of one workflow go in order, at least once, at most `BATCH` at a time.
 */
export class Dispatcher extends Wakeable {
  constructor(source: OutboxSource, client: Client, options: Options) {
    super(() => drain(source, client, options), SAFETY_POLL_MS);
  }
}

interface Options {
  readonly queuePrefix: string;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
}

/** Delivers one batch. @returns whether there may be another. */
const drain = async (source: OutboxSource, client: Client, options: Options): Promise<boolean> => {
  try {
    const rows = await source.claim(BATCH);
    await Promise.all(rows.map((row) => deliverOne(source, client, row, options)));
    return rows.length > 0;
  } catch (error) {
    // The database is away: the next wake or poll tries again.
    options.log.warn({ err: error }, 'the outbox can not be read');
    return false;
  }
};

const deliverOne = async (
  source: OutboxSource,
  client: Client,
  row: Row,
  options: Options,
): Promise<void> => {
  try {
    if (row.kind === 'start') options.reach('outbox/start');
    await deliver(client, options.queuePrefix, row);
    await source.delivered([row.id]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    options.log.warn(
      { err: error, workflow: row.workflow_id, kind: row.kind },
      'Temporal did not take a message',
    );
    await source.postpone(row.id, Math.min(250 * 2 ** row.tries, MAX_RETRY_MS), message).catch(() => {});
  }
};
