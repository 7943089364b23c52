import { CRASH_POINTS } from '../../platform/crash-points.ts';
import { wait } from '../../scripts/services/processes.ts';
import { countLostAcknowledgements } from './acknowledgements.ts';
import { createClient } from './client.ts';
import { readCalls } from './double.ts';
import { gatherEvidence } from './evidence.ts';
import { describeLoad, killAll, planDeeds, type Strike } from './killer.ts';
import { createLoad } from './load.ts';
import { createRandom } from './random.ts';
import { renderReport } from './report.ts';
import { judge, type Findings, type Terms, type Verdict } from './verdict.ts';
import { startWorld, type World } from './world.ts';

export interface ChaosOptions extends Terms {
  readonly seed: number;
  /** How many pipelines are open at once, at most. */
  readonly window: number;
  /** A kill waits this long at most for the load to get on. */
  readonly paceMs: number;
  /** When to give up. */
  readonly limitMs: number;
  /** Gets the progress, line by line. */
  readonly report: (line: string) => void;
  /** Keeps logs and databases for a look afterwards. */
  readonly keep?: boolean;
  /** Called with the running world, so that an interrupted process can end it. */
  readonly onWorld?: (world: World) => void;
}

const STALL_MS = 90_000;
const SETTLE_MS = 20_000;
const PROGRESS_MS = 10_000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What follows an end may lag behind it: the last workflow closes after its run's row, events get their position. */
const settledEvidence = async (world: World) => {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const evidence = await gatherEvidence(world.databaseUrl(), world.temporalAddress);
    const isQuiet = evidence.outbox.length + evidence.openWorkflows.length + evidence.books.length === 0;
    if (isQuiet || Date.now() > deadline) return evidence;
    await wait(500);
  }
};

const unleash = async (world: World, options: ChaosOptions): Promise<Findings> => {
  const { pipelines, kills, hits, minOpen, report } = options;
  const random = createRandom(options.seed);
  const client = createClient(world.apiUrl);
  const reserved = CRASH_POINTS.length * hits;
  const load = createLoad({ client, pipelines, window: options.window, floor: minOpen, reserved });
  const deeds = planDeeds(random, kills, hits);
  const strikes: Strike[] = [];
  const note = (strike: Strike) => strikes.push(strike);
  const progress = setInterval(() => report(`      … ${describeLoad(load)}`), PROGRESS_MS);
  let trouble: string | null = null;
  const over = new AbortController();
  const killing = killAll({
    ...options,
    world,
    load,
    random,
    deeds,
    note,
    signal: over.signal,
    spreadOver: pipelines - minOpen,
  })
    .catch((error: unknown) => (trouble ??= `the killer stopped: ${messageOf(error)}`))
    .finally(() => load.release());
  try {
    await load.untilDone(STALL_MS, options.limitMs);
  } catch (error) {
    trouble ??= messageOf(error);
    over.abort();
  } finally {
    await killing;
    clearInterval(progress);
  }
  for (const part of Object.values(world.parts)) await part.untilUp(60_000);
  const evidence = await settledEvidence(world);
  return {
    terms: { pipelines, kills, hits, minOpen },
    strikes,
    deaths: world.deaths(),
    calls: readCalls(world.doubleLog),
    oddities: client.oddities,
    evidence,
    lostAcknowledgements: await countLostAcknowledgements(world.temporalAddress, evidence.steps),
    trouble,
  };
};

/** Runs pipelines while everything that carries them is killed again and again, and judges what is left. */
export const runChaos = async (options: ChaosOptions): Promise<Verdict> => {
  const { report, seed, pipelines, kills, hits } = options;
  const beganAt = Date.now();
  report(
    `chaos: seed ${seed}, ${pipelines} pipelines, each part killed ${kills} times, each point hit ${hits} times`,
  );
  const world = await startWorld((line) => report(`      ! ${line}`));
  options.onWorld?.(world);
  let keep = true;
  try {
    report(`      all parts run after ${((Date.now() - beganAt) / 1_000).toFixed(1)} s`);
    const findings = await unleash(world, options);
    const verdict = judge(findings);
    keep = options.keep ?? !verdict.passed;
    report(`\n${renderReport(findings, verdict)}\n`);
    report(
      `${verdict.passed ? 'passed' : 'BROKEN'}: seed ${seed}, ${((Date.now() - beganAt) / 1_000).toFixed(0)} s`,
    );
    return verdict;
  } finally {
    await world.close(keep);
  }
};
