import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { affords, costOf, overrunOf, suggestedLimit, worstCase, type Budget } from './budget.ts';

const micros = fc.nat(1_000_000_000);
const budget: fc.Arbitrary<Budget> = fc.record({
  scope: fc.constantFrom('run', 'month'),
  limit: micros,
  spent: micros,
  reserved: micros,
});

describe('budgets', () => {
  test('the worst case is never below what a call within its limits costs', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.nat(100_000),
        fc.nat(20_000),
        fc.nat(75_000_000),
        (text, out, inPrice, outPrice) => {
          const price = { inputPerMtok: inPrice, outputPerMtok: outPrice };
          const bytes = new TextEncoder().encode(text).length;
          expect(worstCase(price, bytes, out)).toBeGreaterThanOrEqual(costOf(price, bytes, out));
        },
      ),
    );
  });
  test('what is reserved counts as spent', () => {
    const full: Budget = { scope: 'run', limit: 100, spent: 60, reserved: 30 };
    expect([10, 11].map((amount) => affords(full, amount))).toEqual([true, false]);
  });
  test('the suggested limit affords the call that was refused', () => {
    fc.assert(
      fc.property(budget, micros, (one, amount) => {
        const limit = suggestedLimit(one, amount);
        expect(affords({ ...one, limit }, amount)).toBe(true);
        expect(limit).toBeGreaterThanOrEqual(one.limit);
        expect(limit % 10_000).toBe(0);
      }),
    );
  });
  test('an overrun is what was billed beyond the limit', () => {
    expect(overrunOf({ scope: 'month', limit: 100, spent: 130, reserved: 0 })).toBe(30);
    expect(overrunOf({ scope: 'month', limit: 100, spent: 90, reserved: 50 })).toBe(0);
  });
});
