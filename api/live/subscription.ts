import type { Principal } from '../../domain/identity/principal.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Store } from '../../store/store.ts';
import { readDeltas, readFeed, readStream, type DeltaRow, type EventRow } from '../../store/live/events.ts';

const BATCH = 200;

/** Where frames go. `false` means: the client does not keep up, stop. */
export interface Sink {
  event(row: EventRow): boolean;
  /** Left out by who only wants to know what has happened. */
  delta?(row: DeltaRow | { reset: true; step: string; attempt: number }): boolean;
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
  #parts = new Map<string, { attempt: number; next: number }>();
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
        if (!this.#ended) await this.#readDeltas();
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
      if (this.#ended) return 0;
      if (!this.#sink.event(row)) {
        this.#ended = true;
        return 0;
      }
      this.#position = 'stream' in target ? row.seq : (row.pos ?? this.#position);
      const { step } = row.payload;
      if (row.type === 'step.completed' && typeof step === 'string') this.#parts.delete(step);
    }
    return rows.length;
  }

  async #readDeltas(): Promise<void> {
    const { target } = this;
    if (!this.#sink.delta || !('stream' in target) || !target.stream.startsWith('run:')) return;
    const runId = target.stream.slice('run:'.length);
    const rows = await this.#store.read(this.#principal, (db) => readDeltas(db, runId, this.#delta));
    for (const row of rows) {
      this.#delta = row.id;
      if (!this.#sendDelta(row)) {
        this.#ended = true;
        return;
      }
    }
  }

  /** A piece that does not follow the last one of its step begins a text anew, or comes after a gap. */
  #sendDelta(row: DeltaRow): boolean {
    const known = this.#parts.get(row.step);
    const follows = known ? known.attempt === row.attempt && known.next === row.part : row.part === 0;
    this.#parts.set(row.step, { attempt: row.attempt, next: row.part + 1 });
    const send = (piece: Parameters<NonNullable<Sink['delta']>>[0]): boolean =>
      this.#sink.delta?.(piece) ?? true;
    return (follows || send({ reset: true, step: row.step, attempt: row.attempt })) && send(row);
  }
}
