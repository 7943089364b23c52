import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { excerptOfJson } from './excerpt.ts';
import type { JsonObject } from './json.ts';

describe('an excerpt of an object', () => {
  test('is the object itself when it fits', () => {
    const object = { heading: 'A heading', parts: ['one', 2, true, null, { deep: ['x'] }] };
    expect(excerptOfJson(object, 1_000)).toEqual({ value: object, isCut: false });
  });

  test('has its long texts cut, whatever stands before or after them', () => {
    const long = { heading: 'First', text: 'x'.repeat(500), model: 'a:b' };
    const { value, isCut } = excerptOfJson(long, 100);
    expect(value).toEqual({ ...long, text: expect.stringMatching(/^x{50,90}…$/) });
    expect(Object.keys(value)).toEqual(['heading', 'text', 'model']);
    expect(isCut).toBe(true);
  });

  test('leaves out what finds no room', () => {
    const { value, isCut } = excerptOfJson({ a: 'x'.repeat(99), b: 'y'.repeat(98), c: 1 }, 60);
    expect(value).toEqual({ b: expect.stringMatching(/^y+…$/), c: 1 });
    expect(isCut).toBe(true);
  });

  test('has its long lists cut', () => {
    const { value, isCut } = excerptOfJson({ items: Array.from({ length: 5_000 }, (_, n) => n) }, 100);
    expect((value['items'] as number[]).length).toBeLessThan(20);
    expect(isCut).toBe(true);
  });

  test('never ends in half a character', () => {
    for (let length = 1; length < 8; length++)
      expect(JSON.stringify(excerptOfJson({ a: '👩‍👩‍👧'.repeat(9) }, 5 + length))).not.toMatch(/\\ud/);
  });

  test('is bounded, whatever the object, and says when something is missing', () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }));
    fc.assert(
      fc.property(objects, fc.integer({ min: 10, max: 300 }), (object, budget) => {
        const { value, isCut } = excerptOfJson(object as JsonObject, budget);
        const whole = JSON.stringify(object);
        expect(isCut || JSON.stringify(value) === whole).toBe(true);
        // Quotes, escapes and long numbers count less than they take, but never without bound.
        expect(JSON.stringify(value).length).toBeLessThan(10 * budget + 100);
      }),
    );
  });
});
