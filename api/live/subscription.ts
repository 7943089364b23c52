import type { Principal } from '../../domain/identity/principal.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Store } from '../../store/store.ts';
import { readDeltas, readFeed, readStream, type DeltaRow, type EventRow } from '../../store/live/events.ts';

const BATCH = 200;
const RUN = 'run:';

/** Where frames go. `false` means: the client does not keep up, stop. */
export interface Sink {
  event(row: EventRow): boolean;
  /** Left out by who only wants to know what has happened. */
  readonly delta?: (row: DeltaRow | { reset: true; step: string; attempt: number }) => boolean;
  failed(error: DomainError): void;
}

export type Target =
  | { readonly stream: string; readonly after: number }
  | { readonly feed: 'workspace'; readonly after: number; readonly type?: string };

/**
 * Follows one stream, or the workspace's feed, from a position on. Each wake reads what lies beyond the position and moves
 * it; wakes that come meanwhile lead to one more look. So an event is sent once, in order, whatever wakes are lost or doubled.
 */
export class Subscription {
  readonly target: Target;
  readonly #store: Store;
  readonly #principal: Principal;
  readonly #sink: Sink;
  #position: number;
  #delta = 0;
  /** Of each step the piece that was sent last. */
  #sent = new Map<string, DeltaRow>();
  #looking = false;
  #again = false;
  #ended = false;

  constructor(store: Store, principal: Principal, target: Target, sink: Sink) {
    this.#store = store;
    this.#principal = principal;
    this.target = target;
    this.#sink = sink;
    this.#position = target.after;
  }

  end(): void {
    this.#ended = true;
  }

  /** Says that there may be something new. Never throws. */
  wake(): void {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    void this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    do {
      this.#again = false;
      try {
        while (!this.#ended && (await this.#readEvents()) === BATCH);
        while (!this.#ended && (await this.#readDeltas()) === BATCH);
      } catch (error) {
        // Anything but an expired position is the database being away: the safety poll tries again.
        if (!(error instanceof DomainError)) break;
        this.#ended = true;
        this.#sink.failed(error);
      }
    } while (this.#again && !this.#ended);
    this.#looking = false;
  }

  async #readEvents(): Promise<number> {
    const { target } = this;
    const rows = await this.#store.read(this.#principal, (db) =>
      'stream' in target
        ? readStream(db, target.stream, this.#position, BATCH)
        : readFeed(db, this.#position, BATCH, target.type),
    );
    for (const row of rows) {
      const { step } = row.payload;
      // The whole text comes before the word that it has ended.
      if (row.type === 'step.completed' && typeof step === 'string') await this.#catchUp(step);
      if (this.#ended) return 0;
      if (!this.#sink.event(row)) {
        this.#ended = true;
        return 0;
      }
      this.#position = 'stream' in target ? row.seq : (row.pos ?? this.#position);
    }
    return rows.length;
  }

  /** The run whose texts are followed. */
  get #runId(): string | undefined {
    const { target } = this;
    if (!this.#sink.delta) return undefined;
    return 'stream' in target && target.stream.startsWith(RUN) ? target.stream.slice(RUN.length) : undefined;
  }

  async #readDeltas(): Promise<number> {
    const runId = this.#runId;
    if (runId === undefined) return 0;
    const rows = await this.#store.read(this.#principal, (db) => readDeltas(db, runId, this.#delta, BATCH));
    for (const row of rows) {
      // The piece before it may have been committed after pieces of other steps that have higher ids.
      if (row.part > 0 && !this.#isSent(row) && !this.#follows(row)) await this.#catchUp(row.step);
      this.#sendDelta(row);
      if (this.#ended) return 0;
      this.#delta = row.id;
    }
    return rows.length;
  }

  /** Sends what there is of a step's text and was not sent yet. */
  async #catchUp(step: string): Promise<void> {
    const runId = this.#runId;
    if (runId === undefined) return;
    let rows: DeltaRow[];
    do {
      const after = this.#sent.get(step)?.id ?? 0;
      rows = await this.#store.read(this.#principal, (db) => readDeltas(db, runId, after, BATCH, step));
      for (const row of rows) this.#sendDelta(row);
    } while (rows.length === BATCH && !this.#ended);
  }

  #isSent({ step, id }: DeltaRow): boolean {
    return id <= (this.#sent.get(step)?.id ?? 0);
  }

  #follows({ step, attempt, part }: DeltaRow): boolean {
    const last = this.#sent.get(step);
    return last ? last.attempt === attempt && last.part + 1 === part : part === 0;
  }

  /** A piece that does not follow the last one of its step begins a text anew, or comes after a gap. */
  #sendDelta(row: DeltaRow): void {
    const { delta } = this.#sink;
    if (!delta || this.#ended || this.#isSent(row)) return;
    const { step, attempt } = row;
    const keepsUp = (this.#follows(row) || delta({ reset: true, step, attempt })) && delta(row);
    this.#sent.set(step, row);
    if (!keepsUp) this.#ended = true;
  }
}
