/**
 * Work that is done when somebody says that there may be some, one run at a time. Wakes that come meanwhile lead to one
 * more run, so none is lost; a slow poll covers for wakes that never came.
 */
export class Wakeable {
  readonly #work: () => Promise<boolean>;
  readonly #pollMs: number;
  #timer: NodeJS.Timeout | undefined;
  #pending = false;
  #stopped = false;
  #working: Promise<void> | undefined;

  /** @param work answers whether there may be more to do at once. It must not throw. */
  constructor(work: () => Promise<boolean>, pollMs: number) {
    this.#work = work;
    this.#pollMs = pollMs;
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), this.#pollMs);
    this.wake();
  }

  /** Says that there may be work. Cheap, never throws, coalesces. */
  wake(): void {
    if (this.#stopped) return;
    this.#pending = true;
    this.#working ??= this.#run();
  }

  /** Waits for the run under way, and begins no other. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#working;
  }

  async #run(): Promise<void> {
    while (this.#pending && !this.#stopped) {
      this.#pending = false;
      if (await this.#work()) this.#pending = true;
    }
    this.#working = undefined;
  }
}
