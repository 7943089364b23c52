import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runChaos } from '../test/chaos/chaos.ts';
import type { World } from '../test/chaos/world.ts';

/**
 * `npm run test:chaos -- [--seed N] [--pipelines 100] [--kills 5] [--hits 3] [--keep]`: pipelines under `kill -9` of every
 * part. Prints what it does, a table and the rules; ends with 1 when a rule is broken (the files are kept then).
 */

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    pipelines: { type: 'string', default: '100' },
    kills: { type: 'string', default: '5' },
    hits: { type: 'string', default: '3' },
    keep: { type: 'boolean' },
  },
});

const whole = (name: string, value: string): number => {
  if (!/^\d+$/.test(value)) throw new Error(`--${name} must be a whole number, but is "${value}"`);
  return Number(value);
};

/** The issue asks for 20 open pipelines at every kill; fewer pipelines can't give that. */
const minOpenOf = (pipelines: number): number => Math.min(20, Math.floor(pipelines / 3));

let world: World | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    console.error(`\n${signal}: ending all processes …`);
    void Promise.resolve(world?.close(true)).finally(() => process.exit(1));
  });

try {
  const pipelines = whole('pipelines', values.pipelines);
  const minOpen = minOpenOf(pipelines);
  const { passed } = await runChaos({
    seed: values.seed === undefined ? randomInt(1_000_000) : whole('seed', values.seed),
    pipelines,
    kills: whole('kills', values.kills),
    hits: whole('hits', values.hits),
    minOpen,
    window: 2 * minOpen + 5,
    paceMs: 8_000,
    limitMs: 900_000,
    report: (line) => console.log(line),
    onWorld: (started) => (world = started),
    ...(values.keep ? { keep: true } : {}),
  });
  process.exit(passed ? 0 : 1);
} catch (error) {
  console.error(`chaos: ${(error as Error).message}`);
  process.exit(1);
}
