import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import type { SignalPayload, StartPayload } from '../../domain/outbox.ts';
import type { ReachCrashPoint } from '../crash-points.ts';
import type { Log } from '../logger.ts';

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
export class Dispatcher {
  readonly #source: OutboxSource;
  readonly #client: Client;
  readonly #options: { queuePrefix: string; log: Log; reach: ReachCrashPoint };
  #stopped = false;
  #pending = false;
  #working: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    source: OutboxSource,
    client: Client,
    options: { queuePrefix: string; log: Log; reach: ReachCrashPoint },
  ) {
    this.#source = source;
    this.#client = client;
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), SAFETY_POLL_MS);
    this.wake();
  }

  /** Says that there may be rows. Cheap, never throws, coalesces. */
  wake(): void {
    if (this.#stopped) return;
    this.#pending = true;
    this.#working ??= this.#drain().finally(() => {
      this.#working = undefined;
      if (this.#pending) this.wake();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#working;
  }

  async #drain(): Promise<void> {
    while (this.#pending && !this.#stopped) {
      this.#pending = false;
      try {
        const rows = await this.#source.claim(BATCH);
        if (rows.length === 0) continue;
        this.#pending = true;
        await Promise.all(rows.map((row) => this.#deliverOne(row)));
      } catch (error) {
        // The database is away: the next wake or poll tries again.
        this.#options.log.warn({ err: error }, 'the outbox can not be read');
        this.#pending = false;
      }
    }
  }

  async #deliverOne(row: Row): Promise<void> {
    try {
      if (row.kind === 'start') this.#options.reach('outbox/start');
      await deliver(this.#client, this.#options.queuePrefix, row);
      await this.#source.delivered([row.id]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#options.log.warn(
        { err: error, workflow: row.workflow_id, kind: row.kind },
        'Temporal did not take a message',
      );
      await this.#source
        .postpone(row.id, Math.min(250 * 2 ** row.tries, MAX_RETRY_MS), message)
        .catch(() => {});
    }
  }
}
