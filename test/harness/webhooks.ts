import { workerPrincipal } from '../../domain/identity/principal.ts';
import { openTemporalClient } from '../../platform/temporal/connect.ts';
import { openStore, type Store } from '../../store/store.ts';
import { sql } from '../../store/sql.ts';
import { startReceiverDouble, type ReceiverDouble } from '../doubles/receiver-double.ts';
import type { ApiClient } from './client.ts';
import { startTestServer, type TestServer } from './server.ts';
import { until } from './until.ts';

export const WEBHOOKS = '/api/settings/webhooks';

/** One try in the log. */
export interface LogEntry {
  readonly id: string;
  readonly message_id: string;
  readonly stream: string;
  readonly attempt: number;
  readonly state: string;
  readonly http_status: number | null;
  readonly error: string | null;
}

/** A server, a receiver of its webhooks, and what a test does with both. */
export interface WebhookBench {
  readonly server: TestServer;
  readonly admin: ApiClient;
  readonly store: Store;
  readonly receiver: ReceiverDouble;
  /** Makes a webhook for `budget.*` that leads to the receiver, unless `fields` say something else. */
  readonly register: (fields?: object) => Promise<{ id: string; secret: string }>;
  /** Something happens in a stream of the workspace. @returns the stream. */
  readonly happen: (stream?: string, type?: string, workspace?: string) => Promise<string>;
  /** Calls that tell of a stream. */
  readonly calls: (stream: string) => ReceiverDouble['received'];
  /** Waits for the nth of them. */
  readonly call: (stream: string, n?: number) => Promise<ReceiverDouble['received'][number]>;
  /** The log of a webhook, the oldest try first. @param query begins with `&`. */
  readonly log: (id: string, query?: string) => Promise<LogEntry[]>;
  /** Waits until the log has so many tries. */
  readonly logged: (id: string, n: number, query?: string) => Promise<LogEntry[]>;
  readonly close: () => Promise<void>;
}

const readLog = async (admin: ApiClient, id: string, query: string): Promise<LogEntry[]> => {
  const all: LogEntry[] = [];
  let next: string | null = `${WEBHOOKS}/${id}/deliveries?limit=100${query}`;
  while (next) {
    const { body }: { body: { items: LogEntry[]; links: { next: string | null } } } = await admin.get(next);
    all.push(...body.items);
    next = body.links.next;
  }
  return all.toReversed();
};

/** @param scale how fast time passes for webhooks: with 1/120 an hour is half a minute. */
export const openWebhookBench = async (scale: number): Promise<WebhookBench> => {
  const receiver = await startReceiverDouble({ lateMs: 700 });
  const server = await startTestServer({ outgoingAllow: ['127.0.0.1'], webhookTimeScale: String(scale) });
  const admin = await server.signIn();
  const store = await openStore(server.config.database.app ?? '');
  let streams = 0;
  const calls = (stream: string) => receiver.received.filter(({ body }) => body.data.stream === stream);
  const log = (id: string, query = '') => readLog(admin, id, query);
  return {
    server,
    admin,
    store,
    receiver,
    calls,
    log,
    register: async (fields = {}) => {
      const asked = { url: receiver.url, events: ['budget.*'], active: true, ...fields };
      const { status, body } = await admin.post(WEBHOOKS, asked);
      if (status !== 201) throw new Error(JSON.stringify(body));
      return body;
    },
    happen: async (stream = `matter:${++streams}`, type = 'budget.overrun', workspace = 'default') => {
      const row = await store.beforeWorkspace<{ id: string }>(
        sql`select workspace_id_of(${workspace}) as id`,
      );
      await store.write(workerPrincipal(row?.id ?? ''), async (tx) =>
        tx.emit(stream, type, { note: 'private words' }),
      );
      return stream;
    },
    call: (stream, n = 1) => until(async () => calls(stream)[n - 1], `call ${n} of ${stream}`),
    logged: (id, n, query) =>
      until(async () => {
        const entries = await log(id, query);
        return entries.length >= n && entries;
      }, `${n} tries in the log`),
    close: async () => {
      await store.close();
      await server.close();
      await receiver.close();
    },
  };
};

/** What Temporal keeps of the newest workflow of an endpoint, its payloads as text. */
export const historyOf = async (id: string): Promise<{ length: number; text: string }> => {
  const client = openTemporalClient();
  const { events } = await client.workflow.getHandle(`webhook/${id}/1`).fetchHistory();
  await client.connection.close();
  // Payloads are base64 in it.
  const text = JSON.stringify(events).replace(/"data":"([^"]+)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
  return { length: events?.length ?? 0, text };
};
