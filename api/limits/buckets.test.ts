import { describe, expect, test } from '@jest/globals';
import type { Rate, Rates } from '../../domain/limits/rate.ts';
import { until } from '../../test/harness/until.ts';
import { Buckets, type Holder, type Taken } from './buckets.ts';

const OFF: Rate = { perMinute: 0, perHour: 0 };
const rates = (read: Rate): Rates => ({ read, write: OFF, start: OFF, 'sign-in': OFF, public: OFF });
const ada: Holder = { kind: 'user', userId: 'ada', name: 'Ada' };
const grace: Holder = { kind: 'user', userId: 'grace', name: 'Grace' };

const takeMany = async (buckets: Buckets, count: number, holder = ada): Promise<number> => {
  const taken: Taken[] = await Promise.all(Array.from({ length: count }, () => buckets.take('read', holder)));
  return taken.filter(({ allowed }) => allowed).length;
};

describe('a bucket', () => {
  test('lets through what its window holds, to each caller, and tells what is left', async () => {
    const buckets = new Buckets(rates({ perMinute: 3, perHour: 10 }));
    const first = await buckets.take('read', ada);
    expect(first).toMatchObject({
      allowed: true,
      windows: [
        { name: 'minute', length: 60, limit: 3, remaining: 2 },
        { name: 'hour', length: 3_600, limit: 10, remaining: 9 },
      ],
    });
    expect(await takeMany(buckets, 9)).toBe(2);
    expect(await takeMany(buckets, 9, grace)).toBe(3);
  });

  test('does not count what it refuses', async () => {
    const buckets = new Buckets(rates({ perMinute: 3, perHour: 4 }), { minute: 0.2, hour: 3_600 });
    expect(await takeMany(buckets, 50)).toBe(3);
    const after = await until(async () => {
      const taken = await buckets.take('read', ada);
      return taken.allowed && taken;
    }, 'the next minute');
    expect(after.windows.map(({ remaining }) => remaining)).toEqual([2, 0]);
    const refused = await buckets.take('read', ada);
    expect(refused).toMatchObject({ allowed: false, windows: [{ remaining: 2 }, { remaining: 0 }] });
  });

  test('without a limit costs and says nothing', async () => {
    const buckets = new Buckets(rates(OFF));
    expect(await takeMany(buckets, 500)).toBe(500);
    expect(await buckets.take('read', ada)).toEqual({ allowed: true, windows: [] });
    expect(buckets.drain()).toEqual([]);
  });

  test('tells each change once, and takes it back when it could not be told', async () => {
    const buckets = new Buckets(rates({ perMinute: 2, perHour: 0 }));
    await takeMany(buckets, 5);
    const changes = buckets.drain();
    expect(changes).toMatchObject([{ limitClass: 'read', holder: ada, taken: { minute: 2 }, refused: 3 }]);
    expect(buckets.drain()).toEqual([]);
    buckets.back(changes);
    expect(buckets.drain()).toMatchObject([{ taken: { minute: 2 }, refused: 3 }]);
  });

  test('takes over what others have counted, without losing what it counts meanwhile', async () => {
    const buckets = new Buckets(rates({ perMinute: 10, perHour: 0 }));
    await takeMany(buckets, 2);
    const [{ bucket } = { bucket: '' }] = buckets.drain();
    await takeMany(buckets, 1);
    await buckets.merge([{ bucket, minute: { taken: 6, ms: 30_000 }, hour: null }]);
    const { windows } = await buckets.take('read', ada);
    expect(windows).toMatchObject([{ remaining: 2 }]);
    expect(windows[0]?.resetMs).toBeLessThanOrEqual(30_000);
  });

  test('tells only what belongs to the window that is open', async () => {
    const buckets = new Buckets(rates({ perMinute: 2, perHour: 9 }), { minute: 0.1, hour: 3_600 });
    await takeMany(buckets, 2);
    const changes = await until(async () => {
      const drained = buckets.drain();
      buckets.back(drained);
      return drained[0]?.windows.length === 1 && drained;
    }, 'the minute to end');
    expect(changes).toMatchObject([{ windows: [{ name: 'hour' }], taken: { hour: 2 } }]);
    await takeMany(buckets, 1);
    expect(buckets.drain()).toMatchObject([{ taken: { minute: 1, hour: 3 } }]);
  });

  test('begins anew when it is lifted, here or elsewhere', async () => {
    const buckets = new Buckets(rates({ perMinute: 2, perHour: 2 }));
    await takeMany(buckets, 3);
    await takeMany(buckets, 3, grace);
    await buckets.forget((_class, holder) => holder.kind === 'user' && holder.userId === 'ada');
    expect(await takeMany(buckets, 3)).toBe(2);
    expect(await takeMany(buckets, 3, grace)).toBe(0);
    const changes = buckets.drain();
    await buckets.merge(
      changes.map(({ bucket }) => ({ bucket, minute: { taken: 0, ms: 60_000 }, hour: { taken: 0, ms: 1 } })),
    );
    expect(await takeMany(buckets, 3, grace)).toBe(2);
  });

  test('is forgotten when nobody has used it for its longest window', async () => {
    const buckets = new Buckets(rates({ perMinute: 2, perHour: 2 }));
    await takeMany(buckets, 1);
    buckets.drain();
    buckets.sweep(Date.now() + 3_599_000);
    await takeMany(buckets, 1);
    expect(buckets.drain()).toHaveLength(1);
    buckets.sweep(Date.now() + 3_601_000);
    await buckets.forget(() => {
      throw new Error('nothing is left');
    });
  });
});
