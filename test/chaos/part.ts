import { settlesWithin, wait, type RunningService } from '../../scripts/services/processes.ts';

export const PARTS = ['worker', 'api', 'postgres', 'temporal'] as const;
export type PartName = (typeof PARTS)[number];

/** One end of a process that the shutdown did not ask for. */
export interface Death {
  readonly part: PartName;
  readonly at: number;
  /** `kill`: our SIGKILL; `point`: it killed itself at a crash point; `itself`: nobody asked for it. */
  readonly cause: 'kill' | 'point' | 'itself';
  /** Milliseconds until it was ready again; `null` while it is not. */
  backAfterMs: number | null;
}

const RESTART_MS = 100;
const RETRY_MS = 500;

export interface PartOptions {
  readonly name: PartName;
  readonly start: () => Promise<RunningService>;
  readonly note: (line: string) => void;
}

/** A process that is started again at once whenever it has ended, however often (a real supervisor would slow down). */
export class Part {
  readonly name: PartName;
  readonly deaths: Death[] = [];
  readonly #options: PartOptions;
  #current: RunningService | null = null;
  #starting: Promise<void> = Promise.resolve();
  #killed = false;
  #stopping = false;

  constructor(options: PartOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#current !== null;
  }

  /** The first start. @throws what that throws; later ones are repeated until they succeed. */
  async start(): Promise<void> {
    const first = this.#options.start();
    this.#starting = first.then(
      () => {},
      () => {},
    );
    const service = await first;
    this.#watch(service);
    if (this.#stopping) await this.stop();
  }

  /** `kill -9`. @returns when it was sent, `null` when there was nothing to kill. */
  async kill(): Promise<number | null> {
    const service = this.#current;
    if (service === null) return null;
    this.#killed = true;
    const at = Date.now();
    process.kill(service.pid, 'SIGKILL');
    await service.exited;
    return at;
  }

  /** @returns whether it was up within the time. */
  async untilUp(timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    while (!this.isUp && Date.now() < deadline) await wait(25);
    return this.isUp;
  }

  /** Ends it for good, also one that is just being started. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#starting;
    const service = this.#current;
    if (service === null) return;
    void service.stop();
    if (await settlesWithin(service.exited, 3_000)) return;
    process.kill(service.pid, 'SIGKILL');
    await service.exited;
  }

  #watch(service: RunningService): void {
    this.#current = service;
    void service.exited.then(({ signal, code }) => {
      this.#current = null;
      if (this.#stopping) return;
      const cause = this.#killed ? 'kill' : signal === 'SIGKILL' ? 'point' : 'itself';
      if (cause === 'itself')
        this.#options.note(`${this.name} ended by itself (${signal ?? `code ${code}`})`);
      this.#killed = false;
      const death: Death = { part: this.name, at: Date.now(), cause, backAfterMs: null };
      this.deaths.push(death);
      this.#starting = this.#restart(death);
    });
  }

  async #restart(death: Death): Promise<void> {
    await wait(RESTART_MS);
    while (!this.#stopping) {
      try {
        const service = await this.#options.start();
        death.backAfterMs = Date.now() - death.at;
        this.#watch(service);
        return;
      } catch (error) {
        this.#options.note(`${this.name} did not start: ${(error as Error).message.slice(0, 400)}`);
        await wait(RETRY_MS);
      }
    }
  }
}
