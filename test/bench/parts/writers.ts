import { randomUUID } from 'node:crypto';
import { workerPrincipal } from '../../../domain/identity/principal.ts';
import { openStore, type Writer } from '../../../store/store.ts';
import { createTask } from '../../../store/tasks/tasks.repository.ts';
import type { PartHandle } from '../child.ts';

export interface WritersSettings {
  /** The connection of `taskloom_app`. */
  readonly appUrl: string;
  readonly workspaceId: string;
  readonly connections: number;
}

export interface WritersRequest {
  /** Whether each transaction leaves its audit entry. */
  readonly audited: boolean;
  readonly transactions: number;
}

const TASK = {
  taskName: 'Bench',
  topic: 'What an audit entry costs',
  primaryKeyword: null,
  targetAudience: null,
  category: null,
  metadata: {},
};

/** The same transaction, whose entries go nowhere where they are not wanted: this exists here and nowhere else. */
const compose = (tx: Writer, audited: boolean): Writer => {
  const audit = (...entry: Parameters<Writer['audit']>): void => (audited ? tx.audit(...entry) : undefined);
  return Object.create(tx, { audit: { value: audit } }) as Writer;
};

/**
 * Many writers at once, each on a connection of its own: every transaction creates a task as the API does, the lightest
 * change that is audited.
 */
export const openWriters = async (settings: WritersSettings): Promise<PartHandle> => {
  const { connections } = settings;
  const store = await openStore(settings.appUrl, { name: 'bench-writers', poolSize: connections });
  const principal = workerPrincipal(settings.workspaceId);
  const request = {
    requestId: randomUUID(),
    client: { address: '192.0.2.1', userAgent: 'Mozilla/5.0 (X11; Linux x86_64) bench' },
  };
  /** @returns the milliseconds of each transaction. */
  const write = async ({ audited, transactions }: WritersRequest): Promise<number[]> => {
    const samples: number[] = [];
    let begun = 0;
    const writer = async (): Promise<void> => {
      while (begun++ < transactions) {
        const at = performance.now();
        await store.write(principal, (tx) => createTask(compose(tx, audited), TASK), request);
        samples.push(performance.now() - at);
      }
    };
    await Promise.all(Array.from({ length: connections }, writer));
    return samples;
  };
  return {
    answer: (asked) => write(asked as unknown as WritersRequest),
    close: () => store.close(),
  };
};
