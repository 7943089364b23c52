import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contrast, readableOn } from './theme.ts';

const colour = fc
  .integer({ min: 0, max: 0xff_ff_ff })
  .map((value) => `#${value.toString(16).padStart(6, '0')}`);
const LIGHT = ['#fdfcf9', '#f4f1e9'];
const DARK = ['#16181a', '#1e2124'];

describe('an accent', () => {
  test('has the contrasts that WCAG names', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(contrast('#ff0000', '#ff0000')).toBe(1);
  });

  test('can be read on light and on dark paper, whatever was chosen', () => {
    fc.assert(
      fc.property(colour, fc.constantFrom(LIGHT, DARK), (accent, papers) => {
        const shown = readableOn(accent, papers);
        expect(shown).toMatch(/^#[\da-f]{6}$/);
        for (const paper of papers) expect(contrast(shown, paper)).toBeGreaterThanOrEqual(4.5);
      }),
    );
  });

  test('that can be read as it is stays as it is', () => {
    expect(readableOn('#0d5c63', LIGHT)).toBe('#0d5c63');
    expect(readableOn('#82c6c8', DARK)).toBe('#82c6c8');
    expect(readableOn('#ff0000', LIGHT)).not.toBe('#ff0000');
  });
});
