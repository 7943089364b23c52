const QUIET_MS = 2_000;
const REDRAW_MS = 250;

/** Where progress is shown; `process.stderr` fits, so that standard output stays free for results. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /** Runs `work`; shows its label only when it takes over two seconds. `detail` replaces the text after the label. */
  step<T>(label: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T>;
  /** Prints one lasting line. */
  note(line: string): void;
}

interface Step {
  readonly label: string;
  readonly beganAt: number;
  detail: string;
  announced: boolean;
}

const elapsed = (step: Step): number => Date.now() - step.beganAt;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
const describe = (step: Step): string => (step.detail ? `${step.label}: ${step.detail}` : step.label);

/** Progress that shows nothing, for tests and scripts whose output is read by programs. */
export const silentProgress: Progress = { step: async (_label, work) => work(() => {}), note: () => {} };

/** Lines at the beginning and the end of each slow step, for outputs that can't be redrawn. */
const createPlainProgress = (output: ProgressOutput): Progress => ({
  note: (line) => void output.write(`${line}\n`),
  async step(label, work) {
    const step: Step = { label, beganAt: Date.now(), detail: '', announced: false };
    const timer = setTimeout(() => {
      step.announced = true;
      output.write(`${describe(step)} …\n`);
    }, QUIET_MS);
    let outcome = 'failed after';
    try {
      const result = await work((text) => (step.detail = text));
      outcome = 'done in';
      return result;
    } finally {
      clearTimeout(timer);
      if (step.announced) output.write(`${label}: ${outcome} ${seconds(elapsed(step))}\n`);
    }
  },
});

/** One line, redrawn with the seconds of every slow step that is under way. */
const createLiveProgress = (output: ProgressOutput): Progress => {
  const steps = new Set<Step>();
  let timer: NodeJS.Timeout | undefined;
  const clear = (): void => void output.write('\r\x1b[2K');
  const draw = (): void => {
    const slow = [...steps].filter((step) => elapsed(step) >= QUIET_MS);
    if (slow.length === 0) return;
    for (const step of slow) step.announced = true;
    const line = slow.map((step) => `${describe(step)} ${Math.round(elapsed(step) / 1000)} s`).join(' · ');
    clear();
    output.write(line.slice(0, Math.max(20, (output.columns ?? 80) - 1)));
  };
  const finish = (step: Step, outcome: string): void => {
    steps.delete(step);
    if (step.announced) {
      clear();
      output.write(`${step.label}: ${outcome} ${seconds(elapsed(step))}\n`);
    }
    if (steps.size > 0) return draw();
    clearInterval(timer);
    timer = undefined;
  };
  return {
    note(line) {
      if (timer) clear();
      output.write(`${line}\n`);
    },
    async step(label, work) {
      const step: Step = { label, beganAt: Date.now(), detail: '', announced: false };
      steps.add(step);
      timer ??= setInterval(draw, REDRAW_MS);
      try {
        const result = await work((text) => (step.detail = text));
        finish(step, 'done in');
        return result;
      } catch (error) {
        finish(step, 'failed after');
        throw error;
      }
    },
  };
};

/** Progress fit for the output: one redrawn line on a terminal, begin and end lines elsewhere. */
export const createProgress = (output: ProgressOutput = process.stderr): Progress =>
  output.isTTY ? createLiveProgress(output) : createPlainProgress(output);
