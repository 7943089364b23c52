import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RateLimited } from '../../domain/errors.ts';
import { GUESS_RULES, type Guess, type GuessRule } from '../../domain/limits/guess.ts';
import { forgetLimits } from '../../store/limits/buckets.ts';
import { createGuesses, type Guesses } from '../../store/limits/guesses.ts';
import { limitIds } from '../../store/limits/ids.ts';
import { openStore, sql, type Store } from '../../store/store.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let server: TestServer;
const stores: Store[] = [];

beforeAll(async () => {
  server = await startTestServer();
  for (let n = 0; n < 2; n++)
    stores.push(await openStore(server.config.database.app ?? '', { poolSize: 8, name: `guesses-${n}` }));
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await server?.close();
});

const HOUR = 3_600_000;
const SLOW: GuessRule = { ...GUESS_RULES['sign-in'], firstWaitMs: HOUR, longestWaitMs: HOUR };
const KEY = randomBytes(32);

/** Those of as many processes as there are stores. */
const guessing = (rule: GuessRule, key = KEY): Guesses[] =>
  stores.map((store) =>
    createGuesses(store, {
      idOf: limitIds(key),
      addressOf: (address) => address,
      events: { refused: () => {}, failed: () => {} },
      rules: { ...GUESS_RULES, 'sign-in': rule },
    }),
  );

let people = 0;
/** Somebody whom nobody has guessed at. */
const somebody = (): string => `person-${people++}@example.com`;
const guess = (subject: string, address = '203.0.113.1'): Guess => ({ kind: 'sign-in', subject, address });

/** @returns the seconds to wait; 0 when the guess may be looked at. */
const wait = async (guesses: Guesses | undefined, one: Guess): Promise<number> => {
  try {
    await guesses?.check(one);
    return 0;
  } catch (error) {
    if (error instanceof RateLimited) return error.retryAfterSeconds;
    throw error;
  }
};

/** @returns how many of so many guesses at once, over all processes, may be looked at. */
const passed = async (doors: Guesses[], count: number, each: (n: number) => Guess): Promise<number> => {
  const waits = await Promise.all(
    Array.from({ length: count }, (_, n) => wait(doors[n % doors.length], each(n))),
  );
  return waits.filter((seconds) => seconds === 0).length;
};

describe('guesses', () => {
  test('at one account pass five times, however many come at once from wherever over two processes', async () => {
    const subject = somebody();
    expect(await passed(guessing(SLOW), 1_000, (n) => guess(subject, `198.51.100.${n % 250}`))).toBe(5);
  });

  test('from one address pass twenty times, whomever they are about', async () => {
    expect(await passed(guessing(SLOW), 1_000, () => guess(somebody(), '203.0.113.2'))).toBe(20);
  });

  test('at an account without a name are counted for the address alone', async () => {
    const [door] = guessing(SLOW);
    const nameless = { kind: 'credential', subject: null, address: '203.0.113.3' } as const;
    expect(await passed(door ? [door] : [], 300, () => nameless)).toBe(100);
  });

  test('wait twice as long after each failure, up to a longest wait', async () => {
    const rule = { ...SLOW, freeOfAccount: 2, firstWaitMs: 200, longestWaitMs: 1_000 };
    const [door] = guessing(rule);
    const subject = somebody();
    const waits: number[] = [];
    const blocked = async (): Promise<number> => {
      const rows = await server.system.many<{ ms: number }>(
        sql`select extract(epoch from blocked_until - last_at) * 1000 as ms from guess_counters
             where scope = 'account' order by last_at desc limit 1`,
      );
      return Math.round(rows[0]?.ms ?? 0);
    };
    for (let n = 0; n < 6; n++) {
      await until(async () => (await wait(door, guess(subject, `192.0.2.${n}`))) === 0, 'the next guess');
      waits.push(await blocked());
    }
    expect(waits).toEqual([0, 200, 400, 800, 1_000, 1_000]);
  });

  test('are refused with the time to wait, alike for each spelling of a name', async () => {
    const [door] = guessing(SLOW);
    const subject = somebody();
    await passed(door ? [door] : [], 5, (n) => guess(n % 2 ? subject : ` ${subject.toUpperCase()}`));
    const seconds = await wait(door, guess(subject));
    expect(seconds).toBeGreaterThan(3_590);
    expect(seconds).toBeLessThanOrEqual(3_600);
  });

  test('are forgotten some time after the last wait', async () => {
    const [door] = guessing({ ...SLOW, freeOfAccount: 2, firstWaitMs: 50, longestWaitMs: 50, forgetMs: 100 });
    const subject = somebody();
    const look = (): Promise<number> => wait(door, guess(subject, '203.0.113.4'));
    expect([await look(), await look()]).toEqual([0, 0]);
    expect(await look()).toBe(1);
    const row = () =>
      server.system.maybe<{ failures: number }>(
        sql`select failures from guess_counters where scope = 'account' and forgotten_at < now()
             order by last_at desc limit 1`,
      );
    await until(async () => (await row())?.failures === 2, 'the failures to be forgotten');
    expect([await look(), await look()]).toEqual([0, 0]);
    expect(await look()).toBe(1);
  });
});

describe('a right guess', () => {
  test('begins the account anew, and leaves what its address failed at', async () => {
    const [door] = guessing(SLOW);
    const subject = somebody();
    const at = guess(subject, '203.0.113.5');
    for (let n = 0; n < 4; n++) expect(await wait(door, at)).toBe(0);
    expect(await wait(door, at)).toBe(0);
    await door?.succeed(at);
    // Five more at the account, from elsewhere; at the address 16 are left of 20.
    expect(await passed(door ? [door] : [], 50, () => guess(subject, '203.0.113.6'))).toBe(5);
    expect(await passed(door ? [door] : [], 50, () => guess(somebody(), '203.0.113.5'))).toBe(16);
  });

  test('lets its address in again while others are guessing at the account', async () => {
    const [door] = guessing(SLOW);
    const subject = somebody();
    const home = guess(subject, '203.0.113.7');
    await door?.check(home);
    await door?.succeed(home);
    await passed(door ? [door] : [], 50, (n) => guess(subject, `192.0.2.${100 + n}`));
    expect(await wait(door, guess(subject, '203.0.113.8'))).toBeGreaterThan(0);
    expect(await wait(door, home)).toBe(0);
    await door?.succeed(home);
    // The others' counter is not its own: it stays.
    expect(await wait(door, guess(subject, '203.0.113.8'))).toBeGreaterThan(0);
    // At home there are five guesses as well, not more.
    expect(await passed(door ? [door] : [], 50, () => home)).toBe(5);
  });

  test('and one that nobody could look at take back what they counted, also of many at once', async () => {
    const doors = guessing(SLOW);
    const subject = somebody();
    const at = guess(subject, '203.0.113.9');
    for (let n = 0; n < 30; n++) {
      const door = doors[n % doors.length];
      expect(await wait(door, at)).toBe(0);
      await (n % 3 === 0 ? door?.succeed(at) : door?.release(at));
    }
    expect(await passed(doors, 50, () => at)).toBe(5);
  });
});

test('nothing that is stored says whose counter it is, and another key finds another one', async () => {
  const [door] = guessing(SLOW);
  const subject = somebody();
  await passed(door ? [door] : [], 9, () => guess(subject, '203.0.113.10'));
  const [other] = guessing(SLOW, randomBytes(32));
  expect(await wait(other, guess(subject, '203.0.113.10'))).toBe(0);
  const rows = await server.system.many(sql`select * from guess_counters`);
  for (const secret of [subject, 'example.com', '203.0.113'])
    expect(JSON.stringify(rows)).not.toContain(secret);
});

test('what says nothing any more is removed', async () => {
  await server.system.run(sql`update guess_counters set forgotten_at = now() - interval '1 second'`);
  await server.system.run(
    sql`update guess_counters set succeeded_at = now() - interval '91 days' where scope = 'known'`,
  );
  const [store] = stores;
  if (store) await forgetLimits(store, SLOW.knownMs);
  expect(await server.system.many(sql`select 1 from guess_counters`)).toEqual([]);
});
