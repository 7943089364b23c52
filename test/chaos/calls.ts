import type { VendorCall } from './double.ts';
import type { ModelStep } from './evidence.ts';
import type { Strike } from './killer.ts';
import type { PartName } from './part.ts';

/** What the vendor's log says, held against what the database has committed. */
export interface CallFacts {
  readonly calls: number;
  /** Calls beyond the first of the same prompt. */
  readonly repeats: number;
  /**
   * Calls that were in flight at one kill at least, each counted once: begun, and either not yet answered, or answered and
   * the answer not yet committed. Only such a call can be lost, and each that is lost is made again once.
   */
  readonly inFlightAtKills: number;
  /** For each strike, how many calls were in flight, and how many of them it lost, so that they were made again. */
  readonly inFlight: readonly number[];
  readonly lost: readonly number[];
  /** Sentences: a call that began although its answer was committed already. */
  readonly afterCommit: readonly string[];
  /** Sentences: a repeat that no kill explains. */
  readonly unexplained: readonly string[];
  /** Sentences: a call for which there is no step, or a step without a call. */
  readonly foreign: readonly string[];
  /** Sentences: repeats that the database does not show as in doubt. */
  readonly hidden: readonly string[];
  /** In-doubt calls by the steps, the runs' rows and the ledger. */
  readonly inDoubt: { readonly steps: number; readonly ledger: number };
}

/** The clocks are one machine's; a socket's end and a log line come this much later than the death that caused them. */
const SLACK_MS = 250;

interface Fate {
  readonly call: VendorCall;
  /** Until when a death could lose this call: its commit, or, if it was lost, its own end or the next call of its step. */
  readonly atRiskUntil: number;
}

const fatesOf = (calls: readonly VendorCall[], step: ModelStep | undefined): Fate[] =>
  calls.map((call, index) => {
    const next = calls[index + 1];
    if (next === undefined) return { call, atRiskUntil: step?.committedAt ?? call.endedAt };
    // One that was answered and lost waited for its commit until somebody gave it up, at the latest when it was made again.
    return { call, atRiskUntil: call.status === 'answered' ? next.beganAt : call.endedAt };
  });

const describe = (call: VendorCall, step: ModelStep | undefined): string =>
  `${step ? `${step.runId} ${step.path}` : call.promptSha256.slice(0, 12)}, call ${call.id} (${call.status}) at ${new Date(call.beganAt).toISOString()}`;

/** Most likely first: a worker takes its calls along; without Temporal their heartbeats are lost; the API makes none. */
const SUSPECTS: readonly PartName[] = ['worker', 'temporal', 'postgres'];

/** Compares the witness's log with the database. */
export const compareCalls = (
  log: readonly VendorCall[],
  steps: readonly ModelStep[],
  strikes: readonly Pick<Strike, 'at' | 'part'>[],
): CallFacts => {
  const stepOf = new Map(steps.map((step) => [step.promptSha256, step]));
  const byPrompt = Map.groupBy(log, (call) => call.promptSha256);
  const fates = [...byPrompt].flatMap(([hash, calls]) => fatesOf(calls, stepOf.get(hash)));
  const isHit = ({ call, atRiskUntil }: Fate, { at, part }: Pick<Strike, 'at' | 'part'>): boolean =>
    SUSPECTS.includes(part) && call.beganAt <= at + SLACK_MS && atRiskUntil >= at - SLACK_MS;
  const culpritOf = (before: VendorCall, call: VendorCall): number => {
    const near = ({ at }: { at: number }) => at >= before.beganAt - SLACK_MS && at <= call.beganAt;
    const found = SUSPECTS.map((part) => strikes.findIndex((strike) => strike.part === part && near(strike)));
    return found.find((index) => index >= 0) ?? -1;
  };
  const lost = strikes.map(() => 0);
  const afterCommit: string[] = [];
  const unexplained: string[] = [];
  const hidden: string[] = [];
  for (const [hash, calls] of byPrompt) {
    const step = stepOf.get(hash);
    for (const [index, call] of calls.entries()) {
      const before = calls[index - 1];
      if (step?.committedAt && call.beganAt > step.committedAt) afterCommit.push(describe(call, step));
      if (!before) continue;
      const culprit = culpritOf(before, call);
      if (culprit < 0) unexplained.push(describe(call, step));
      else lost[culprit] = (lost[culprit] ?? 0) + 1;
    }
    if (step && step.inDoubt < calls.length - 1)
      hidden.push(`${step.runId} ${step.path}: ${calls.length} calls, ${step.inDoubt} in doubt`);
  }
  return {
    calls: log.length,
    repeats: log.length - byPrompt.size,
    inFlightAtKills: fates.filter((fate) => strikes.some((strike) => isHit(fate, strike))).length,
    inFlight: strikes.map((strike) => fates.filter((fate) => isHit(fate, strike)).length),
    lost,
    afterCommit,
    unexplained,
    foreign: [
      ...log.filter((call) => !stepOf.has(call.promptSha256)).map((call) => describe(call, undefined)),
      ...steps
        .filter((step) => !byPrompt.has(step.promptSha256))
        .map((s) => `${s.runId} ${s.path} without a call`),
    ],
    hidden,
    inDoubt: {
      steps: steps.reduce((sum, step) => sum + step.inDoubt, 0),
      ledger: steps.reduce((sum, step) => sum + step.bookedInDoubt, 0),
    },
  };
};
