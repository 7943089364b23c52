import { randomBytes } from 'node:crypto';
import { median } from '../stats.ts';
import type { World } from '../world.ts';
import type { Measure } from './measure.ts';

const PEOPLE = 200;
/** Both sides of a normal distribution beyond which 5 % lie, and one side beyond which 10 % do. */
const [SIGNIFICANT, POWER] = [1.96, 1.28];

/** Milliseconds of a sign-in that fails, each from an address of its own: nobody is to be slowed down as a guesser. */
const time = async (world: World, email: string, n: number): Promise<number> => {
  const beganAt = performance.now();
  const answer = await fetch(`${world.api.url}/auth/login`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
    },
    body: JSON.stringify({ email, password: 'not the right one' }),
  });
  await answer.arrayBuffer();
  if (answer.status !== 401) throw new Error(`a wrong password was answered with ${answer.status}`);
  return performance.now() - beganAt;
};

const deviation = (samples: readonly number[]): number => {
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  return Math.sqrt(samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (samples.length - 1));
};

/** The Mann–Whitney test: how many deviations the ranks of one side lie away from chance. */
const ranksApart = (left: readonly number[], right: readonly number[]): number => {
  const all = [...left.map((x) => ({ x, own: true })), ...right.map((x) => ({ x, own: false }))];
  const sorted = all.toSorted((a, b) => a.x - b.x);
  const ranks = sorted.reduce((sum, { own }, i) => sum + (own ? i + 1 : 0), 0);
  const [n, m] = [left.length, right.length];
  const u = ranks - (n * (n + 1)) / 2;
  return (u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
};

/**
 * Whether the time of a refusal tells if somebody has an account: wrong passwords of people against names that nobody has,
 * in turns. The goal is that chance explains the difference (|z| ≤ 1.96); the line says which shift would have been seen.
 */
export const measureTiming: Measure = async (world, { rounds, note }) => {
  const run = randomBytes(4).toString('hex');
  await world.ours.query(
    `insert into users (email, username, display_name, password_hash)
     select 'known-' || n || '-${run}@example.com', 'known-' || n || '-${run}', 'Known', (select password_hash from users order by number limit 1)
       from generate_series(1, ${PEOPLE}) n`,
  );
  const known: number[] = [];
  const unknown: number[] = [];
  let address = 0;
  for (let round = 0; round <= Math.min(rounds, 4); round++) {
    note(`timing: ${round === 0 ? 'warm-up' : `round ${round}`}`);
    for (let n = 1; n <= PEOPLE; n++) {
      const sides = [
        { samples: known, email: `known-${n}-${run}@example.com` },
        { samples: unknown, email: `nobody-${n}-${run}@example.com` },
      ];
      // Whoever comes second may find a warmer processor: they take turns.
      for (const { samples, email } of n % 2 ? sides : sides.toReversed()) {
        const ms = await time(world, email, address++);
        if (round > 0) samples.push(ms);
      }
    }
  }
  const z = Math.abs(ranksApart(known, unknown));
  const spread = Math.max(deviation(known), deviation(unknown));
  const seen = (SIGNIFICANT + POWER) * spread * Math.sqrt(2 / known.length);
  const of = `${known.length} each; a shift of ${seen.toFixed(2)} ms would be seen in 9 of 10 runs`;
  return [
    {
      what: 'a refused sign-in: wrong password against unknown name, medians',
      unit: 'ms',
      ours: median(known),
      floor: median(unknown),
      goal: null,
    },
    {
      what: `the same: |z| of their ranks (${of})`,
      unit: 'z',
      ours: z,
      floor: null,
      goal: { of: 'value', atMost: SIGNIFICANT },
    },
  ];
};
