import { wait } from '../../scripts/services/processes.ts';
import { Stopped, type ChaosClient } from './client.ts';

const POLL_MS = 250;
const DECISIONS_AT_ONCE = 6;
const STARTS_AT_ONCE = 6;

export interface LoadOptions {
  readonly client: ChaosClient;
  readonly pipelines: number;
  /** How many are open at most. */
  readonly window: number;
  /** How many stay open, at the least, as long as `release` was not called. */
  readonly floor: number;
  /** Starts that are kept for `startReserved`. */
  readonly reserved: number;
}

/** The pipelines of a chaos run: started in a window, approved by a poll, counted as they end. */
export interface Load {
  readonly started: number;
  readonly completed: number;
  /** Started and not yet approved: this many are open at the least, whatever has not been looked at yet. */
  readonly surelyOpen: number;
  /** The statuses of all runs, as the API last said. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Starts one of the kept pipelines now, as long as there are any. */
  startReserved(): void;
  /** No pipeline has to stay open any longer. */
  release(): void;
  /** Resolves when all have ended; rejects when nothing has changed for `stallMs`, or after `limitMs`. */
  untilDone(stallMs: number, limitMs: number): Promise<void>;
}

interface ApprovalItem {
  readonly id: string;
  readonly revision: number;
}

const inBatches = async <T>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> => {
  for (let at = 0; at < items.length; at += size) await Promise.all(items.slice(at, at + size).map(work));
};

/** As many calls of the model for each: no search that depends on a network, no revision that depends on a mark. Every other one has a picture. */
export const parametersOf = (index: number) => ({
  research: 'none',
  quality: { max_revisions: 0 },
  image: index % 2 === 0 ? 'auto' : 'none',
});

/** The brief of one pipeline: its topic, and so each of its prompts, is like no other's. */
export const topicOf = (index: number): string => `chaos pipeline number ${index + 1}`;

class Pipelines implements Load {
  readonly #options: LoadOptions;
  #asked = 0;
  #reserved: number;
  #approved = 0;
  #released = false;
  #stopped = false;
  started = 0;
  completed = 0;
  byStatus: Record<string, number> = {};

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#reserved = options.reserved;
  }

  get surelyOpen(): number {
    return this.started - this.#approved;
  }

  startReserved(): void {
    if (this.#reserved === 0) return;
    this.#reserved--;
    void this.#start();
  }

  release(): void {
    this.#released = true;
    this.#reserved = 0;
  }

  async untilDone(stallMs: number, limitMs: number): Promise<void> {
    const { client, pipelines } = this.#options;
    const loops = [this.#keepStarting(), this.#keepApproving()];
    // Also a request that is repeated for ever, because nothing answers, ends then.
    const limit = setTimeout(() => client.stop(), limitMs);
    try {
      let seen = '';
      let changedAt = Date.now();
      while (this.completed < pipelines) {
        const page = await client.get<{ by_status: Record<string, number> }>('/api/v1/runs?limit=1');
        this.byStatus = page.by_status;
        this.completed = page.by_status['completed'] ?? 0;
        const now = JSON.stringify([this.byStatus, this.#approved, this.started]);
        if (now !== seen) [seen, changedAt] = [now, Date.now()];
        if (Date.now() - changedAt > stallMs)
          throw new Error(`nothing has changed for ${stallMs / 1000} s: ${now}`);
        await wait(POLL_MS);
      }
    } catch (error) {
      throw error instanceof Stopped
        ? new Error(`not done after ${limitMs / 1000} s`, { cause: error })
        : error;
    } finally {
      clearTimeout(limit);
      this.#stopped = true;
      client.stop();
      await Promise.all(loops);
    }
  }

  async #start(): Promise<void> {
    const index = this.#asked++;
    const topic = topicOf(index);
    const body = { task_name: topic, topic, auto_start: true, parameters: parametersOf(index) };
    await this.#options.client.post('/api/tasks', body).then(() => this.started++, ignoreStop);
  }

  async #keepStarting(): Promise<void> {
    const { pipelines, window } = this.#options;
    while (!this.#stopped && this.#asked < pipelines) {
      const room = Math.min(
        window - (this.#asked - this.completed),
        pipelines - this.#reserved - this.#asked,
      );
      await inBatches(Array.from({ length: Math.max(room, 0) }), STARTS_AT_ONCE, () => this.#start());
      await wait(POLL_MS);
    }
  }

  async #keepApproving(): Promise<void> {
    while (!this.#stopped) {
      const page = await this.#options.client
        .get<{ items: ApprovalItem[] }>('/api/v1/approvals?status=open&limit=100')
        .catch(ignoreStop);
      await inBatches(page?.items ?? [], DECISIONS_AT_ONCE, (approval) => this.#approve(approval));
      await wait(POLL_MS);
    }
  }

  async #approve({ id, revision }: ApprovalItem): Promise<void> {
    if (!this.#released && this.surelyOpen <= this.#options.floor) return;
    // Counted before it is sent: from here on the pipeline may end at any time.
    this.#approved++;
    await this.#options.client
      .post(`/api/v1/approvals/${id}/decide`, { decision: 'approve', revision })
      .catch(ignoreStop);
  }
}

/** What is broken shows in the client's oddities and in the verdict; the load goes on. */
const ignoreStop = (error: unknown): undefined => {
  if (!(error instanceof Stopped)) console.error(`  ! ${(error as Error).message}`);
  return undefined;
};

export const createLoad = (options: LoadOptions): Load => new Pipelines(options);
